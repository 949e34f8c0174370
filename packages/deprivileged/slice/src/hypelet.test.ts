import { type ToMachine, toMachine } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { createHypelet } from './hypelet.ts';

function bench() {
  const sent: ToMachine[] = [];
  const refused: string[] = [];
  const hypelet = createHypelet(
    (message) => void sent.push(toMachine.decode(toMachine.encode(message))!),
    (call, reason) => void refused.push(`${call}: ${reason}`),
  );
  return { sent, refused, ...hypelet };
}

test('an answer belongs to the oldest call of its kind, and so does a refusal', async () => {
  const { call, hear, sent, refused } = bench();
  const first = call['state.read']({ hart: 0, exit: 1, register: 'a0' });
  const second = call['state.read']({ hart: 0, exit: 1, register: 'pc' });
  const csr = call['csr.read']({ hart: 0, csr: 'budget' });
  expect(sent.map(({ kind }) => kind)).toEqual(['state.read', 'state.read', 'csr.read']);
  hear({ kind: 'state.value', hart: 0, exit: 1, register: 'a0', value: 7n });
  hear({ kind: 'call.refused', call: 'state.read', reason: 'It is not exposed' });
  hear({ kind: 'csr.value', hart: 0, csr: 'budget', value: 9n });
  expect(await first).toMatchObject({ value: 7n });
  await expect(second).rejects.toThrow('The machine refused state.read: It is not exposed');
  expect(await csr).toMatchObject({ value: 9n });
  expect(refused).toEqual([]);
});

test('a call without an answer fires; an answer that nobody waits for is dropped', () => {
  const { call, hear, refused } = bench();
  expect(call['fence.gvma']({})).toBeUndefined();
  expect(hear({ kind: 'call.refused', call: 'fence.vma', reason: 'There is no hart 3' })).toBe(true);
  expect(hear({ kind: 'state.value', hart: 0, exit: 1, register: 'a0', value: 7n })).toBe(true);
  expect(hear({ kind: 'launch.finished' })).toBe(false);
  expect(refused).toEqual(['fence.vma: There is no hart 3']);
});
