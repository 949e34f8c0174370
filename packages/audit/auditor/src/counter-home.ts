import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writeAtomically } from '@cloister/files';
import { fail, failFile } from './audit-error.ts';
import { keysDirectory } from './keys-directory.ts';

/** Where it is kept how many commits there were: no older state is believed. */
export interface CounterHome {
  /** 0 before the first commit. */
  read(): Promise<number>;
  /** After the state of this number was kept. */
  advance(counter: number): Promise<void>;
}

/** A file beside the key: who puts back an older copy of it too is not noticed. */
export function fileCounter(name: string): CounterHome & { remove(): Promise<void> } {
  const path = join(keysDirectory(), `${name}.counter`);
  return {
    async read() {
      const text = (await readIfThere(path))?.toString('latin1').trim() ?? '0';
      const counter = Number(text);
      return /^\d{1,16}$/.test(text) && Number.isSafeInteger(counter)
        ? counter
        : fail('bad-state', `"${path}" is no counter`);
    },
    advance: (counter) => writeAtomically(path, `${counter}\n`).catch((error) => failFile(path, error)),
    remove: () => rm(path, { force: true }),
  };
}
