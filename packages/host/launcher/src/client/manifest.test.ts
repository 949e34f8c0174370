import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openManifest } from './manifest.ts';

const directory = mkdtempSync(join(tmpdir(), 'cloister-manifest-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('only what has the hash of the manifest is handed out', () => {
  const hash = createHash('sha256').update('as built').digest('hex');
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ schema: 1, files: { 'slice.js': hash } }));
  writeFileSync(join(directory, 'slice.js'), 'as built');
  const verified = openManifest(directory);
  expect(Buffer.from(verified.read('slice.js').bytes).toString()).toBe('as built');
  writeFileSync(join(directory, 'slice.js'), 'as built ');
  expect(() => verified.read('slice.js')).toThrow(/is not what the manifest says/);
  expect(() => verified.file('../slice.js')).toThrow(/not in the manifest/);
  expect(() => verified.file('toString')).toThrow(/not in the manifest/);
});
