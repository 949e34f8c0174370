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

async function names(): Promise<readonly string[]> {
  const store = await directoryStore(lab.store);
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

test('a name that is not UTF-8 is told, not left out', async () => {
  execFileSync('sh', ['-c', `printf x > "$(printf '%s/\\377' "$1")"`, 'sh', lab.store]);
  await expect(names()).rejects.toMatchObject({ loss: 'unknown' });
});
