import { expect, test } from 'vitest';
import { EXIT_MASK, EXIT_REASONS, exitMask, REGISTERS } from './exit-mask.ts';
import { HYPELET_CALLS, SLICE_CALLS } from './hypelet-calls.ts';
import { toMachine } from './machine-channel.ts';
import { TO_MACHINE_SAMPLES } from './testing/sample-messages.ts';

test('there are ten HypeLet calls, each from one call of the paper', () => {
  const calls = Object.values(HYPELET_CALLS);
  expect(calls).toHaveLength(10);
  expect(new Set(calls.map((call) => call.paper)).size).toBe(10);
  expect(new Set(calls.map((call) => call.code)).size).toBe(10);
});

test('a machine accepts calls, device replies and the life cycle’s commands, and no other message', () => {
  const accepted = Object.values(TO_MACHINE_SAMPLES).map((message) => [toMachine.encode(message)[0]!, message.kind]);
  expect(Object.fromEntries(accepted)).toEqual({
    ...Object.fromEntries(SLICE_CALLS.map((name) => [HYPELET_CALLS[name].code, name])),
    ...{ 32: 'launch.update', 33: 'launch.finish', 34: 'launch.start', 35: 'launch.measure' },
    ...{ 65: 'block.reply', 66: 'block.resend', 80: 'port.data', 81: 'port.taken', 82: 'port.open', 83: 'port.resize' },
  });
  const codes = new Set(accepted.map(([code]) => code));
  // The shortest message of each code, and its fields as zeros: a code that is none of them is never one.
  for (let code = 0; code < 256; code += 1) {
    if (codes.has(code)) continue;
    for (let length = 0; length < 64; length += 1)
      expect(toMachine.decode(Uint8Array.of(code, ...new Uint8Array(length)))).toBeUndefined();
  }
});

test('what an exit lets the slice change it also exposes, and neither is pc, for any reason', () => {
  expect(EXIT_REASONS).toEqual(Object.keys(EXIT_MASK));
  for (const reason of EXIT_REASONS) {
    const { exposes, mayChange } = exitMask(reason);
    for (const register of mayChange) expect(exposes).toContain(register);
    for (const register of exposes) expect(REGISTERS).toContain(register);
    expect(exposes).not.toContain('pc');
  }
});

test.each([
  ['a hart beyond the most', { ...TO_MACHINE_SAMPLES['hart.init'], hart: 8 }],
  ['three registers', { ...TO_MACHINE_SAMPLES['hart.run'], registers: [0n, 0n, 0n] }],
  ['a long code', { ...TO_MACHINE_SAMPLES['hart.run'], mac: new Uint8Array(17) }],
  ['no frame at all', { ...TO_MACHINE_SAMPLES['frame.map'], count: 0 }],
  ['a frame beyond the most', { ...TO_MACHINE_SAMPLES['frame.map'], frame: 786_432 }],
  ['an empty update', { ...TO_MACHINE_SAMPLES['launch.update'], bytes: new Uint8Array(0) }],
])('%s is no message', (_name, message) => {
  expect(() => toMachine.encode(message)).toThrow(RangeError);
});
