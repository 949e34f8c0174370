import { expect, test } from 'vitest';
import { hungCalls, withinDeadline } from './file-deadline.ts';

const never = () => {
  let come: (value: string) => void = () => undefined;
  return { call: () => new Promise<string>((resolve) => (come = resolve)), come: (value: string) => come(value) };
};

test('what comes in time is given, errors too, two at once and the rest in turn', async () => {
  let most = 0;
  let now = 0;
  const work = async (at: number): Promise<number> => {
    most = Math.max(most, (now += 1));
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return at % 5 === 4 ? Promise.reject(new Error('no')) : at;
  };
  const done = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => withinDeadline(() => work(at), 10_000)));
  expect(done.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  expect(most).toBe(2);
  expect(hungCalls()).toBe(0);
}, 5_000);

test('what hangs is timed out, and so is all that would wait for it, until it comes back', async () => {
  const [one, other] = [never(), never()];
  const discarded: string[] = [];
  const timedOut = { loss: 'timed-out' };
  const hung = [one, other].map(({ call }) => withinDeadline(call, 20, (value) => discarded.push(value)));
  const waits = withinDeadline(async () => 'done', 10_000);
  await Promise.all([...hung, waits].map((each) => expect(each).rejects.toMatchObject(timedOut)));
  expect(hungCalls()).toBe(2);
  // Nothing more is begun.
  let begun = false;
  const next = withinDeadline(async () => {
    begun = true;
  }, 10_000);
  await expect(next).rejects.toMatchObject(timedOut);
  expect(begun).toBe(false);
  one.come('late');
  await new Promise((resolve) => setImmediate(resolve));
  expect([hungCalls(), discarded]).toEqual([1, ['late']]);
  expect(await withinDeadline(async () => 'again', 10_000)).toBe('again');
  other.come('later');
  await new Promise((resolve) => setImmediate(resolve));
  expect(hungCalls()).toBe(0);
}, 5_000);
