import { describe, expect, test } from 'vitest';
import { exited, map } from '../testing/launched-machine.ts';

describe('a frame', () => {
  test('leaves sealed, different each time, and only the latest comes back', () => {
    const b = exited('budget');
    b.ram.fill(7, 3 * 4096, 4 * 4096);
    const takeOut = (): Uint8Array => {
      b.say(map('take', 3));
      const [answer] = b.take();
      if (answer?.kind !== 'frame.mapped') throw new Error(`Got ${answer?.kind}`);
      expect(answer).toMatchObject({ operation: 'take', frame: 3 });
      return answer.sealed;
    };
    const restore = (sealed: Uint8Array, frame = 3): string => {
      b.say(map('restore', frame, sealed));
      return b.take()[0]!.kind;
    };
    const first = takeOut();
    expect(Buffer.from(first).includes(Buffer.alloc(16, 7))).toBe(false);
    expect(b.ram.slice(3 * 4096, 4 * 4096)).toEqual(new Uint8Array(4096));
    const changed = first.slice();
    changed[100]! ^= 1;
    expect(restore(changed)).toBe('call.refused');
    expect(restore(first)).toBe('frame.mapped');
    expect(b.ram.slice(3 * 4096, 4 * 4096)).toEqual(new Uint8Array(4096).fill(7));
    expect(restore(first)).toBe('call.refused');
    const second = takeOut();
    expect(second).not.toEqual(first);
    expect(restore(first)).toBe('call.refused');
    b.say(map('take', 4));
    b.take();
    expect(restore(second, 4)).toBe('call.refused');
    expect(restore(second)).toBe('frame.mapped');
  });

  test('cannot leave behind a store to the test finisher, which the hart goes on after in the same page', () => {
    const b = exited('syscon');
    b.say(map('take', 3));
    expect(b.take()).toMatchObject([{ kind: 'call.refused', reason: 'A hart runs' }]);
  });
});
