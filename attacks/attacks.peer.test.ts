import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { AttackResult } from './attack.ts';

const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'attacks.js');

test('every attack is contained, every control succeeds, and what stays open below the full level is as the table says', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, '--json', '--quick'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    timeout: 280_000,
  });
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AttackResult);
  expect(stderr).toMatch(/, 0 wrong\n$/);
  expect(status).toBe(0);
  const atFull = results.filter(({ level = 'full' }) => level === 'full');
  expect(new Set(atFull.map(({ attack }) => attack)).size).toBeGreaterThanOrEqual(80);
  expect(atFull.filter(({ contained, control }) => contained === false || control === false)).toEqual([]);
});
