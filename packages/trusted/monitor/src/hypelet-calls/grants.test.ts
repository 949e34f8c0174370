import { createHmac } from 'node:crypto';
import { budgetLeft, postExit, spendBudget, takeCompletion } from '@cloister/hardware';
import { grantBytes } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { EXITS, launched, NOTHING, run } from '../testing/launched-machine.ts';

describe('a grant', () => {
  const grantKey = new Uint8Array(32).fill(3);
  const grant = (microseconds: number, sequence: bigint): object => {
    const mac = createHmac('sha256', grantKey).update(grantBytes({ microseconds, sequence })).digest();
    return { microseconds, sequence, mac: new Uint8Array(mac.subarray(0, 16)) };
  };

  test('adds to the budget, which the next entries go on with', () => {
    const b = launched({ grantKey });
    b.say(run(0, grant(5000, 1n)));
    expect(budgetLeft(b.board, 0)).toBe(5000);
    spendBudget(b.board, 0, 2000);
    postExit(b.board, 0, EXITS.syscon);
    b.monitor.look();
    b.say(run(1, { microseconds: 0 }));
    expect(takeCompletion(b.board, 0)).toBeDefined();
    expect(budgetLeft(b.board, 0)).toBe(3000);
    spendBudget(b.board, 0, 3000);
    postExit(b.board, 0, EXITS.budget);
    b.monitor.look();
    b.take();
    b.say(run(2, { microseconds: 0 }));
    expect(b.take()).toMatchObject([{ kind: 'call.refused', reason: 'Hart 0 has no budget' }]);
    b.say(run(2, grant(7000, 2n)));
    expect(budgetLeft(b.board, 0)).toBe(7000);
    expect(b.take()).toEqual([]);
  });

  test.each<[string, object, RegExp]>([
    ['minted by the slice', { ...grant(5000, 1n), mac: new Uint8Array(16) }, /not the scheduler’s/],
    ['without a code', { ...grant(5000, 1n), mac: NOTHING }, /not the scheduler’s/],
    ['made longer', { ...grant(5000, 1n), microseconds: 5001 }, /not the scheduler’s/],
    ['made newer', { ...grant(5000, 1n), sequence: 2n }, /not the scheduler’s/],
    ['of sequence 0', grant(5000, 0n), /used before/],
  ])('%s is refused', (_name, bad, reason) => {
    const b = launched({ grantKey });
    b.say(run(0, bad));
    expect(b.heard.at(-1)).toMatchObject({ kind: 'call.refused', reason: expect.stringMatching(reason) });
    expect(budgetLeft(b.board, 0)).toBe(0);
  });

  test('is used once', () => {
    const b = launched({ grantKey });
    b.say(run(0, grant(5000, 4n)));
    for (const sequence of [4n, 3n]) {
      postExit(b.board, 0, EXITS.syscon);
      b.monitor.look();
      b.say(run(1, grant(5000, sequence)));
      expect(b.heard.at(-1)).toMatchObject({ reason: 'The grant was used before' });
    }
  });
});
