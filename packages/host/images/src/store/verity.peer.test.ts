import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeHashTree } from './hash-tree-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'verity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Debian's cryptsetup-bin: works on files, without a device or the kernel. */
function veritysetup(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('veritysetup', args, { encoding: 'utf8', timeout: 60_000 });
  return { status, text: `${stdout}${stderr}` };
}

/** A disk with some contents, some zeros and a hole of so many blocks in all. */
function disk(name: string, blocks: number): string {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  ftruncateSync(file, blocks * 4096);
  for (let at = 0; at < blocks; at += 97) writeSync(file, new Uint8Array(4096).fill(at % 251), 0, 4096, at * 4096);
  closeSync(file);
  return path;
}

test.each([1, 2, 128, 129, 16_384, 16_385, 100_000])(
  'a tree of %d blocks is veritysetup’s, byte for byte',
  async (blocks) => {
    const path = disk(`disk-${blocks}`, blocks);
    const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
    const root = await writeHashTree(path, ours);
    const uuid = '00000000-0000-0000-0000-000000000000';
    const made = veritysetup('format', '--salt=-', `--uuid=${uuid}`, path, theirs);
    expect(made).toMatchObject({ status: 0 });
    expect(/Root hash:\s+([0-9a-f]{64})/.exec(made.text)?.[1]).toBe(root);
    expect(Buffer.compare(readFileSync(ours), readFileSync(theirs))).toBe(0);
    execFileSync('veritysetup', ['verify', path, ours, root], { timeout: 60_000 });
    const file = openSync(path, 'r+');
    writeSync(file, Uint8Array.of(255), 0, 1, (blocks - 1) * 4096 + 5);
    closeSync(file);
    expect(veritysetup('verify', path, ours, root).status).not.toBe(0);
  },
);
