import { expect, test } from 'vitest';
import { parseRecord } from './disk-record.ts';
import { randomFrom } from './kill.ts';
import { powerCuts } from './power-cuts.ts';

const RECORD = `10 pwrite64(7, "\\x01\\x02", 2, 4) = 2
11 pwrite64(9, "\\x09", 1, 0) = 1
10 fdatasync(7 <unfinished ...>
11 pwrite64(7, "\\x03", 1, 6 <unfinished ...>
10 <... fdatasync resumed>)         = 0
11 <... pwrite64 resumed>)          = 1
12 fdatasync(7)                     = -1 EIO (Input/output error)
`;

test('a record of strace is what one file was asked, in order; what failed made nothing certain', async () => {
  expect((await parseRecord(RECORD.split('\n'), 7)).map((event) => `${event.kind} ${event.call}`)).toEqual([
    ...['write 0', 'written 0', 'sync 1', 'write 2', 'synced 1', 'written 2', 'sync 3'],
  ]);
});

test('a cut keeps what was written before a finished sync began, and of a piece since all or nothing', async () => {
  const events = await parseRecord(RECORD.split('\n'), 7);
  const disks = (syncs: boolean): Set<string> =>
    new Set(
      [...powerCuts(Buffer.alloc(8), events, 300, randomFrom(1), syncs)].map(({ image }) => image.toString('hex')),
    );
  const [nothing, first, second, both] = [
    '0000000000000000',
    '0000000001020000',
    '0000000000000300',
    '0000000001020300',
  ];
  // Only before the sync was finished may the first be missing, and then the second was under way.
  expect(disks(true)).toEqual(new Set([nothing, first, second, both]));
  const atEnd = [...powerCuts(Buffer.alloc(8), events, 300, () => 0.999_999, true)];
  expect(new Set(atEnd.map(({ image }) => image.toString('hex')))).toEqual(new Set([first]));
  const withoutSync = [...powerCuts(Buffer.alloc(8), events, 300, () => 0.999_999, false)];
  expect(new Set(withoutSync.map(({ image }) => image.toString('hex')))).toEqual(new Set([nothing]));
  expect(disks(false)).toEqual(new Set([nothing, first, second, both]));
});
