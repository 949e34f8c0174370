import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { type Edit, editedSource } from '../tools/mutant.ts';
import type { Attack } from './attack.ts';
import { ROOT } from './build.ts';
import { HOSTILE_PARTS } from './hostile-parts.ts';

/** Why a control would not be without its check; undefined for one that is. */
function fault({ attack, edits }: Attack): string | undefined {
  if (edits === undefined) return undefined;
  try {
    if (edits.length === 0) throw new Error('it edits nothing');
    for (const file of new Set(edits.map(([file]) => file))) transformSync(changed(file, edits), { loader: 'ts' });
    return undefined;
  } catch (error) {
    return `${attack}: ${(error as Error).message}`;
  }
}

function changed(file: string, edits: readonly Edit[]): string {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const mine = edits.filter((edit) => edit[0] === file);
  const result = editedSource(source, mine);
  if (result === source) throw new Error(`its edits leave ${file} as it is`);
  return result;
}

test('what an attack’s control edits is there, once, and is TypeScript afterwards', () => {
  expect(HOSTILE_PARTS.map(fault).filter((found) => found !== undefined)).toEqual([]);
});

test('few controls are without an edit: those in one process', () => {
  const unedited = HOSTILE_PARTS.filter(({ edits }) => edits === undefined);
  expect(unedited.map(({ attack }) => attack)).toEqual(['G3 a guest that ends the process that runs it']);
});

test('an edit of what is not there is found', () => {
  expect(fault({ ...HOSTILE_PARTS[0]!, edits: [['package.json', 'no such text', '']] })).toMatch(/is not once in/);
});
