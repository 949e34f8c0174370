import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SEALED_BLOCK_BYTES } from '@cloister/protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { LaunchError } from './launch-error.ts';
import type { StorePlan, StoreRequest } from './plan-stores.ts';
import { prepareStores } from './stores.ts';

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

const planOf = (requests: readonly StoreRequest[]): StorePlan => ({
  requests,
  names: requests.map((_, at) => `Store ${at}`),
  ...{ kernel: 0, initrd: undefined, firmware: undefined, disks: [] },
});
process.env.TMPDIR = folder;
const overlays = (): string[] => readdirSync(folder).filter((name) => name.startsWith('cloister-overlay-'));

describe('a store that cannot be one is refused with its name and one line, and nothing is left', () => {
  test.each([
    ['that is not there', join(folder, 'none'), 'read', /^Store 2 cannot be opened: there is no such file$/],
    ['behind a dangling link', join(folder, 'dangling'), 'write', /for writing: there is no such file$/],
    ['that is a directory', join(folder, 'directory'), 'read', /^Store 2 is a directory$/],
    ['that is a directory, to write', join(folder, 'directory'), 'write', /^Store 2 is a directory$/],
    ['that is a pipe without a writer', fifo, 'read', /^Store 2 is not a regular file$/],
    ['that is a device', '/dev/null', 'read', /^Store 2 is not a regular file$/],
  ] as const)('one %s', (_name, path, access, line) => {
    const prepare = () =>
      prepareStores(
        planOf([
          { path: good, access: 'read', durable: false },
          { path: '', access: 'temporary', durable: false, over: 0 },
          { path, access, durable: false },
        ]),
      );
    expect(prepare).toThrow(expect.objectContaining({ code: 'file', message: expect.stringMatching(line) }));
    expect(prepare).toThrow(LaunchError);
    expect(overlays()).toEqual([]);
  });
});

test('says how long each is, and what an overlay may grow to', () => {
  const prepared = prepareStores(
    planOf([
      { path: good, access: 'write', durable: true },
      { path: '', access: 'temporary', durable: false, over: 0 },
    ]),
  );
  expect(prepared.stores.map(({ bytes, growable, writable }) => [bytes, growable, writable])).toEqual([
    [4096, false, true],
    [SEALED_BLOCK_BYTES, true, true],
  ]);
  expect(overlays()).toHaveLength(1);
  prepared.unlink();
  expect(overlays()).toEqual([]);
});
