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
import { closeStores, openStores } from './open-stores.ts';

const folder = mkdtempSync(join(tmpdir(), 'open-stores-'));
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

describe('a store that cannot be one is refused with its place and one line, and nothing stays open', () => {
  test.each([
    ['that is not there', join(folder, 'none'), 'read', /^cannot be opened: there is no such file$/],
    ['behind a dangling link', join(folder, 'dangling'), 'write', /for writing: there is no such file$/],
    ['that is a directory', join(folder, 'directory'), 'read', /^is a directory$/],
    ['that is a directory, to write', join(folder, 'directory'), 'write', /^is a directory$/],
    ['that is a pipe without a writer', fifo, 'read', /^is not a regular file$/],
    ['that is a device', '/dev/null', 'read', /^is not a regular file$/],
  ] as const)('one %s', (_name, path, access, line) => {
    const open = () =>
      openStores([
        { path: good, access: 'read', durable: false },
        { path: '', access: 'temporary', durable: false },
        { path, access, durable: false },
      ]);
    expect(open).toThrow(expect.objectContaining({ store: 2, message: expect.stringMatching(line) }));
    expect(ours()).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)('one that may only be read, to write', () => {
    expect(() => openStores([{ path: readOnly, access: 'write', durable: true }])).toThrow(/permission denied$/);
    expect(ours()).toEqual([]);
  });
});

test('says how long each is; a temporary one has no name', () => {
  const stores = openStores([
    { path: readOnly, access: 'read', durable: false },
    { path: '', access: 'temporary', durable: false },
    { path: good, access: 'write', durable: true },
  ]);
  expect(stores.map(({ bytes }) => bytes)).toEqual([512, 0, 4096]);
  if (process.platform === 'linux') expect(ours().filter((path) => path.endsWith('(deleted)'))).toHaveLength(1);
  closeStores(stores);
  expect(ours()).toEqual([]);
});
