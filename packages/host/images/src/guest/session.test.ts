import type { MachineEnd, Port, VirtualMachine } from '@cloister/launcher';
import { describe, expect, test } from 'vitest';
import { GUEST_INIT } from './init.ts';
import { runSession } from './run-session.ts';
import { guestMessages, SESSION_PORTS, sessionScript, signalMessage, windowSizeMessage } from './session-protocol.ts';

describe('the session protocol', () => {
  test('guest messages, over chunk boundaries', () => {
    const parse = guestMessages();
    expect(parse(Buffer.from('REA'))).toEqual([]);
    expect(parse(Buffer.from('DY 1\nEXIT 143 10 0\nboo\n'))).toEqual([
      { kind: 'ready', version: 1 },
      { kind: 'exit', status: 143, stdoutBytes: 10, stderrBytes: 0 },
      { kind: 'unknown', line: 'boo' },
    ]);
  });

  test.each(['EXIT 256 0 0\n', 'EXIT -1 0 0\n', 'EXIT 1\n', 'READY x\n', '\u001b[2J\n'])('%j is unknown', (line) => {
    expect(guestMessages()(Buffer.from(line))[0]?.kind).toBe('unknown');
  });

  test('a line without end does not grow', () => {
    expect(guestMessages()(Buffer.alloc(10_000, 'x'))).toEqual([{ kind: 'unknown', line: 'x'.repeat(256) }]);
  });

  test('every word is quoted', () => {
    const script = sessionScript({ argv: ['echo', "a'b; rm -rf /", '$HOME\n'], env: { A: '`x`' }, cwd: "/a b'" });
    expect(script).toContain(`set -- 'echo' 'a'\\''b; rm -rf /' '$HOME\n'\n`);
    expect(script).toContain("export A='`x`'\n");
    expect(script).toContain(`cd -- '/a b'\\''' || exit 125\n`);
    expect(script.startsWith('#cloister pipes\n')).toBe(true);
    expect(
      sessionScript({ argv: [], terminal: { rows: 24, columns: 80 } }).startsWith('#cloister terminal 24 80\n'),
    ).toBe(true);
  });

  test.each([
    { argv: ['a\0b'] },
    { argv: ['a'], env: { 'A B': 'x' } },
    { argv: ['a'], env: { 'A;x': 'x' } },
    { argv: ['a'], user: "x'; id" },
    { argv: ['x'.repeat(5 << 20)] },
  ])('refuses %#', (options) => {
    expect(() => sessionScript(options)).toThrow(RangeError);
  });

  test('signals and sizes', () => {
    expect(String(signalMessage('SIGTERM'))).toBe('SIGNAL TERM\n');
    expect(String(windowSizeMessage(50, 132))).toBe('WINCH 50 132\n');
    expect(() => signalMessage('TERM; x')).toThrow(RangeError);
  });

  test('the init text stands in its file as it runs', () => {
    expect(GUEST_INIT).toMatch(/^[\n\t -~]*$/);
    expect(GUEST_INIT).not.toMatch(/`|\$\{/);
    expect(GUEST_INIT.startsWith('#!/bin/busybox sh\n')).toBe(true);
  });
});

describe('running a session', () => {
  function fakeMachine() {
    const ports = new Map<string, Port & { sent: string; ended: boolean }>();
    const port = () => {
      const made = {
        onData: undefined as ((bytes: Uint8Array) => void) | undefined,
        onClose: undefined,
        sent: '',
        ended: false,
        write: (bytes: Uint8Array) => {
          made.sent += Buffer.from(bytes).toString();
          return Promise.resolve();
        },
        end: () => {
          made.ended = true;
        },
        reopen: () => {
          made.ended = false;
        },
      };
      return made;
    };
    for (const name of SESSION_PORTS) ports.set(name, port());
    let stop: (end: MachineEnd) => void = () => undefined;
    const ended = new Promise<MachineEnd>((resolve) => {
      stop = resolve;
    });
    const machine: VirtualMachine = {
      id: '00000000',
      onStop: undefined,
      serial: port(),
      console: port(),
      ports,
      ended,
      resize: () => undefined,
      kill: () => stop({ kind: 'killed' }),
    };
    const says = (name: string, text: string) => ports.get(name)?.onData?.(Buffer.from(text));
    return { machine, ports, says, stop };
  }

  test('ends with the status once all output is there', async () => {
    const { machine, ports, says, stop } = fakeMachine();
    let out = '';
    const end = runSession(machine, 'script\n', {
      stdin: Buffer.from('in'),
      onStdout: (bytes) => (out += Buffer.from(bytes).toString()),
    });
    says('cloister.control', 'READY 1\n');
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(ports.get('cloister.control')?.sent).toBe('RUN 7\nscript\n');
    expect(ports.get('cloister.stdin')).toMatchObject({ sent: 'in', ended: true });
    says('cloister.control', 'EXIT 3 5 0\n');
    says('cloister.stdout', 'late!');
    stop({ kind: 'power-off' });
    expect(await end).toEqual({ kind: 'exited', status: 3 });
    expect(out).toBe('late!');
  });

  test('a guest that ends without a status', async () => {
    const { machine, stop } = fakeMachine();
    const end = runSession(machine, 'x', {});
    machine.serial.onData?.(Buffer.from('Kernel panic\r\n'));
    stop({ kind: 'reset' });
    expect(await end).toEqual({ kind: 'lost', reason: 'reset\nKernel panic' });
  });

  test('an abort kills the machine', async () => {
    const { machine } = fakeMachine();
    const abort = new AbortController();
    const end = runSession(machine, 'x', { signal: abort.signal });
    abort.abort();
    expect(await end).toEqual({ kind: 'aborted' });
    expect(await machine.ended).toEqual({ kind: 'killed' });
  });
});
