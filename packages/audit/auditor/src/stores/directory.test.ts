import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Laboratory, laboratory } from '../testing/laboratory.ts';
import { directoryStore } from './directory.ts';

let lab: Laboratory;
beforeEach(() => {
  lab = laboratory();
});
afterEach(() => lab.close());

async function names(warn?: (line: string) => void): Promise<readonly string[]> {
  const store = await directoryStore(lab.store, { warn });
  const found: string[] = [];
  for await (const { path } of store.list()) found.push(path);
  await store.close();
  return found.sort();
}

test('a pipe or a link in the place of a file is missing, and nobody waits for it', async () => {
  lab.write('target', 'content');
  execFileSync('mkfifo', [join(lab.store, 'pipe')]);
  symlinkSync('target', join(lab.store, 'link'));
  expect(await names()).toEqual(['target']);
  const store = await directoryStore(lab.store);
  for (const path of ['pipe', 'link', 'nothing'])
    await expect(store.read(path, '0', 0, 10)).rejects.toMatchObject({ loss: 'missing' });
  expect(Buffer.from(await store.read('target', '0', 3, 10)).toString()).toBe('tent');
  await store.close();
}, 5_000);

test('a name that is not UTF-8 is skipped, with a line that says so', async () => {
  execFileSync('sh', ['-c', `printf x > "$(printf '%s/\\377' "$1")"`, 'sh', lab.store]);
  lab.write('file', 'content');
  const told: string[] = [];
  expect(await names((line) => told.push(line))).toEqual(['file']);
  expect(told).toEqual(['"\ufffd" is skipped: its name is not UTF-8']);
});
