import { type Exit, postExit, takeCompletion } from '@cloister/hardware';
import { EXIT_REASONS, exitMask, REGISTERS, type ToMachine } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { EXITS, exited, launched, phaseOf, RAM, run, running } from './testing/launched-machine.ts';

describe('an exit', () => {
  test.each(EXIT_REASONS)(
    'for %s exposes what its mask says, lets that be changed, and costs one message each way',
    (reason) => {
      const b = running();
      postExit(b.board, 0, EXITS[reason]);
      b.monitor.look();
      const { exposes, mayChange } = exitMask(reason);
      const values = {
        sbi: [0x53525354n, 0n, 3n, 4n],
        syscon: [0x1234n],
        budget: [],
        'frame-fault': [BigInt(RAM + 4096)],
      }[reason];
      expect(b.take()).toEqual([{ kind: 'hart.exit', hart: 0, exit: 1, reason, registers: values }]);
      b.monitor.look();
      expect(b.take()).toEqual([]);
      b.say(run(1, { registers: mayChange.map((_, i) => BigInt(i + 5)) }));
      expect(takeCompletion(b.board, 0)).toMatchObject(
        reason === 'sbi' ? { error: 5n, value: 6n } : { error: 0n, value: 0n },
      );
      expect(exposes).toHaveLength(values.length);
      expect(b.take()).toEqual([]);
      expect([b.monitor.counts.exits[reason], b.monitor.counts.calls[reason]]).toEqual([1, 1]);
    },
  );

  test.each(EXIT_REASONS)('for %s: each register is read and written as the mask says, and no other', (reason) => {
    const { exposes, mayChange } = exitMask(reason);
    for (const register of REGISTERS) {
      const b = exited(reason);
      b.say({ kind: 'state.write', hart: 0, exit: 1, register, value: 77n });
      expect(b.take().map(({ kind }) => kind)).toEqual(mayChange.includes(register) ? [] : ['call.refused']);
      b.say({ kind: 'state.read', hart: 0, exit: 1, register });
      const [answer] = b.take();
      expect(answer?.kind).toBe(exposes.includes(register) ? 'state.value' : 'call.refused');
      if (mayChange.includes(register)) expect(answer).toMatchObject({ register, value: 77n });
      b.say(run(1));
      const written = { a0: { error: 77n, value: 4n }, a1: { error: 3n, value: 77n } }[register as string];
      const kept = reason === 'sbi' ? { error: 3n, value: 4n } : { error: 0n, value: 0n };
      expect(takeCompletion(b.board, 0)).toEqual(mayChange.includes(register) ? written : kept);
    }
  });

  test.each<[string, ToMachine]>([
    ['a run as a reply to another', run(0)],
    ['a run as a reply to one that is to come', run(2)],
    ['a write to another', { kind: 'state.write', hart: 0, exit: 2, register: 'a0', value: 0n }],
    ['a read of another', { kind: 'state.read', hart: 0, exit: 0, register: 'a0' }],
    ['a run with half of the registers', run(1, { registers: [1n] })],
  ])('takes no %s, and still waits', (_name, message) => {
    const b = exited('sbi');
    b.say(message);
    expect(b.take()).toMatchObject([{ kind: 'call.refused' }]);
    expect(takeCompletion(b.board, 0)).toBeUndefined();
    b.say(run(1));
    expect(takeCompletion(b.board, 0)).toBeDefined();
  });

  test('that nobody entered before is none', () => {
    const b = launched();
    b.take();
    postExit(b.board, 0, EXITS.syscon);
    b.monitor.look();
    expect(b.take()).toEqual([]);
  });

  test('is said again, with its number, to a slice that takes the place of another', () => {
    const b = exited('sbi');
    b.say({ kind: 'state.write', hart: 0, exit: 1, register: 'a0', value: 9n });
    b.renew();
    const told = b.take();
    expect(told[0]).toMatchObject({ kind: 'platform', phase: 'running' });
    expect(told[1]).toEqual({
      kind: 'hart.exit',
      hart: 0,
      exit: 1,
      reason: 'sbi',
      registers: [0x53525354n, 0n, 9n, 4n],
    });
    b.say(run(1, { registers: [1n, 2n] }));
    expect(takeCompletion(b.board, 0)).toMatchObject({ error: 1n, value: 2n });
  });

  test('is none before the first entry, which the next slice makes', () => {
    const b = launched();
    b.renew();
    expect(phaseOf(b)).toBe('launched');
    b.say(run(0));
    b.renew();
    expect(phaseOf(b)).toBe('running');
  });

  test('of the system reset’s other functions is the monitor’s to answer', () => {
    const b = running();
    postExit(b.board, 0, { ...EXITS.sbi, function: 1n } as Exit);
    b.monitor.look();
    expect(b.take()).toEqual([]);
    expect(takeCompletion(b.board, 0)).toMatchObject({ error: BigInt.asUintN(64, -2n) });
    expect(b.monitor.counts.exits.gate).toBe(1);
  });
});
