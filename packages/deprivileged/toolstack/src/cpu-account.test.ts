import { expect, test } from 'vitest';
import { createCpuAccount } from './cpu-account.ts';

/** A line of /proc/PID/stat of a process whose name is a trap, with that much CPU time in ticks of 10 ms. */
const stat = (user: number, system: number): string =>
  `42 (evil) R 1) S ${'0 '.repeat(10)}${user} ${system} 0 0 20 0 1 0`;

/** A second of a compartment that spins on one CPU whenever it may, looked at ten times a second. */
function spin(cpus: number, seconds: number) {
  const changes: boolean[] = [];
  const account = createCpuAccount((id, stopped) => {
    expect(id).toBe('a');
    changes.push(stopped);
  });
  account.add('a', cpus);
  let ticks = 0;
  account.settle([['a', stat(0, 0)]], 0);
  for (let now = 100; now <= 1000 * seconds; now += 100) {
    if (changes.at(-1) !== true) ticks += 10;
    account.settle([['a', stat(ticks - 3, 3)]], now);
  }
  return { milliseconds: 10 * ticks, changes };
}

test('one that spins gets its share, what it had saved, and no more; and goes on', () => {
  const { milliseconds, changes } = spin(0.2, 10);
  expect(milliseconds).toBeGreaterThanOrEqual(0.2 * 10_000);
  expect(milliseconds).toBeLessThanOrEqual(0.2 * 10_000 + 200 + 100);
  expect(changes.slice(0, 4)).toEqual([true, false, true, false]);
});

test('one that has a whole CPU is never stopped', () => {
  expect(spin(1, 10).changes).toEqual([]);
});

test('what is gone, or unknown, changes nothing', () => {
  const account = createCpuAccount(() => expect.unreachable());
  account.add('a', 1);
  account.settle(
    [
      ['a', null],
      ['b', stat(10_000, 0)],
    ],
    0,
  ); // prettier-ignore
  account.remove('a');
  account.settle([['a', stat(10_000, 0)]], 100);
});
