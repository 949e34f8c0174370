import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { AttackResult } from './attack.ts';

const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'attacks.js');
const DEADLINE_MS = 280_000;

/** Those of one kind that are quick; a failure's message is what it said. */
async function results(of: 'probes' | 'parts'): Promise<AttackResult[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, '--json', '--quick', '--of', of], {
    maxBuffer: 2 ** 26,
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  expect(stderr).toMatch(/, 0 wrong\n$/);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AttackResult);
}

test('every attack is contained, every control succeeds, and what stays open below the full level is as the table says', async () => {
  // Side by side: an attack on a bench keeps its process busy, and probes wait for theirs.
  const all = (await Promise.all([results('parts'), results('probes')])).flat();
  const atFull = all.filter(({ level = 'full' }) => level === 'full');
  expect(new Set(atFull.map(({ attack }) => attack)).size).toBeGreaterThanOrEqual(80);
  expect(atFull.filter(({ contained, control }) => contained === false || control === false)).toEqual([]);
});
