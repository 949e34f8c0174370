import type { VirtualMachine } from '@cloister/launcher';
import { guestMessages, runMessage, type SessionPort, signalMessage } from './session-protocol.ts';

export interface SessionHandlers {
  readonly onStdout?: (bytes: Uint8Array) => void;
  readonly onStderr?: (bytes: Uint8Array) => void;
  /** Sent as standard input, then ended. Without it standard input is empty. */
  readonly stdin?: Uint8Array;
  /** Kills the machine. */
  readonly signal?: AbortSignal | undefined;
}

/** How a session ended: with the command's status, or without the guest having said one. */
export type SessionEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'aborted' };

/**
 * Runs one script in a machine that was started with `SESSION_PORTS`, to the machine's end. Never rejects for what the
 * guest does. The last of the serial console is kept in the reason of a lost session.
 */
export async function runSession(
  machine: VirtualMachine,
  script: string,
  handlers: SessionHandlers,
): Promise<SessionEnd> {
  const port = (name: SessionPort) => machine.ports.get(name) ?? missing(name);
  const control = port('cloister.control');
  const messages = guestMessages();
  let serial = '';
  let counts = { stdout: 0, stderr: 0 };
  let exit: { status: number; stdoutBytes: number; stderrBytes: number } | undefined;
  let started = false;
  let settle: (end: SessionEnd) => void = () => undefined;
  const ended = new Promise<SessionEnd>((resolve) => {
    settle = resolve;
  });
  const finishIfDrained = () => {
    if (exit !== undefined && counts.stdout >= exit.stdoutBytes && counts.stderr >= exit.stderrBytes)
      settle({ kind: 'exited', status: exit.status });
  };
  machine.serial.onData = (bytes) => {
    serial = (serial + Buffer.from(bytes).toString('latin1')).slice(-8192);
  };
  port('cloister.stdout').onData = (bytes) => {
    counts = { ...counts, stdout: counts.stdout + bytes.length };
    handlers.onStdout?.(bytes);
    finishIfDrained();
  };
  port('cloister.stderr').onData = (bytes) => {
    counts = { ...counts, stderr: counts.stderr + bytes.length };
    handlers.onStderr?.(bytes);
    finishIfDrained();
  };
  control.onData = (bytes) => {
    for (const message of messages(bytes)) {
      if (message.kind === 'ready' && !started) {
        started = true;
        void control.write(runMessage(script));
        const stdin = port('cloister.stdin');
        if (handlers.stdin !== undefined && handlers.stdin.length > 0)
          void stdin.write(handlers.stdin).then(() => stdin.end());
        else stdin.end();
      } else if (message.kind === 'exit') {
        exit = message;
        finishIfDrained();
      }
    }
  };
  const abort = () => {
    settle({ kind: 'aborted' });
    machine.kill();
  };
  if (handlers.signal?.aborted === true) abort();
  handlers.signal?.addEventListener('abort', abort, { once: true });
  void machine.ended.then((end) => {
    // What the guest sent before it stopped may still be on its way here.
    setTimeout(
      () => settle({ kind: 'lost', reason: `${end.kind === 'failed' ? end.reason : end.kind}\n${lastLines(serial)}` }),
      200,
    );
  });
  const result = await ended;
  // The guest powers off by itself, so that its disks are written.
  if (result.kind === 'exited') await machine.ended;
  handlers.signal?.removeEventListener('abort', abort);
  return result;
}

/** Ends the command of a running session; the guest then reports its status. */
export async function signalSession(machine: VirtualMachine, name: string): Promise<void> {
  await machine.ports.get('cloister.control')?.write(signalMessage(name));
}

function missing(name: string): never {
  throw new RangeError(`The machine was started without the port "${name}"`);
}

function lastLines(serial: string): string {
  return serial.replaceAll('\r', '').trimEnd().split('\n').slice(-20).join('\n');
}
