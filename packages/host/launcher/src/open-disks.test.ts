import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { closeDisks, openDisks } from './open-disks.ts';

const folder = mkdtempSync(join(tmpdir(), 'open-disks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, bytes: number): string => {
  writeFileSync(join(folder, name), new Uint8Array(bytes));
  return join(folder, name);
};
const good = file('good.img', 4096);
mkdirSync(join(folder, 'directory'));
symlinkSync('nowhere', join(folder, 'dangling'));
const fifo = join(folder, 'fifo');
execFileSync('mkfifo', [fifo]);
const readOnly = file('read-only.img', 512);
chmodSync(readOnly, 0o444);

/** Paths that this process has open, where the system tells. */
const openPaths = (): string[] =>
  process.platform !== 'linux'
    ? []
    : readdirSync('/proc/self/fd').flatMap((fd) => {
        try {
          return [readlinkSync(`/proc/self/fd/${fd}`)];
        } catch {
          return [];
        }
      });
const ours = (): string[] => openPaths().filter((path) => path.includes(folder) || path.includes('cloister-overlay-'));

describe('a disk that cannot be one is refused with one line, and nothing stays open', () => {
  test.each([
    ['that is not there', join(folder, 'none'), 'discard', /cannot be opened: there is no such file$/],
    ['behind a dangling link', join(folder, 'dangling'), 'direct', /for writing: there is no such file$/],
    ['that is a directory', join(folder, 'directory'), 'discard', /is a directory$/],
    ['that is a directory, to write', join(folder, 'directory'), 'direct', /is a directory$/],
    ['that is a pipe without a writer', fifo, 'discard', /is not a regular file$/],
    ['that is a device', '/dev/null', 'discard', /is not a regular file$/],
    ['of no bytes', file('empty.img', 0), 'direct', /has 0 bytes, no multiple of 512$/],
    ['of odd length', file('odd.img', 1000), 'direct-unsafe', /has 1000 bytes, no multiple of 512$/],
    [
      'under an overlay that is no whole number of blocks',
      file('sectors.img', 4608),
      'discard',
      /no multiple of 4096$/,
    ],
  ] as const)('one %s', (_name, path, writes, line) => {
    expect(() =>
      openDisks([
        { path: good, writes: 'discard' },
        { path, writes },
      ]),
    ).toThrow(line);
    expect(ours()).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)('one that may only be read, to write', () => {
    expect(() => openDisks([{ path: readOnly, writes: 'direct' }])).toThrow(/for writing: permission denied$/);
    expect(ours()).toEqual([]);
  });
});

const tree = (path: string) => ({ path, rootHash: '0'.repeat(64) });

test.each([
  ['that is not there', join(folder, 'no-tree'), /^The hash tree ".*" cannot be opened: there is no such file$/],
  ['of another disk', file('other.tree', 8192), /^The hash tree ".*" is none of the disk/],
])('a hash tree %s is refused with one line, and nothing stays open', (_name, path, line) => {
  expect(() => openDisks([{ path: good, writes: 'discard', tree: tree(path) }])).toThrow(line);
  expect(ours()).toEqual([]);
});

test('says what may be done with each file, and gives an overlay to a disk whose writes are discarded alone', () => {
  const opened = openDisks([
    { path: readOnly, readOnly: true, writes: 'direct' },
    { path: good, writes: 'discard', tree: tree(file('good.tree', 4096)) },
    { path: good, writes: 'direct' },
    { path: good, writes: 'direct-unsafe' },
    { path: good, writes: 'discard' },
  ]);
  expect(opened.disks).toEqual([
    { sectors: 1, readOnly: true, backing: { kind: 'raw', store: 0 } },
    {
      sectors: 8,
      readOnly: false,
      backing: { kind: 'overlay', base: 1, tree: { store: 2, rootHash: '0'.repeat(64) }, overlay: 3 },
    },
    { sectors: 8, readOnly: false, backing: { kind: 'raw', store: 4 } },
    { sectors: 8, readOnly: false, backing: { kind: 'raw', store: 5 } },
    { sectors: 8, readOnly: false, backing: { kind: 'overlay', base: 6, tree: 'unverified', overlay: 7 } },
  ]);
  const of = (bytes: number, growable: boolean, writable: boolean, durable: boolean) => ({
    descriptor: expect.any(Number),
    bytes,
    growable,
    writable,
    durable,
  });
  expect(opened.stores).toEqual([
    of(512, false, false, false),
    of(4096, false, false, false),
    of(4096, false, false, false),
    of(4112, true, true, false),
    of(4096, false, true, true),
    of(4096, false, true, false),
    of(4096, false, false, false),
    of(4112, true, true, false),
  ]);
  closeDisks(opened);
  expect(ours()).toEqual([]);
});
