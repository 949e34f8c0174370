import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writeAtomically } from '@cloister/files';
import { fail, failFile } from './audit-error.ts';
import { keysDirectory } from './keys-directory.ts';

/** What a counter is known to be: its number, or the mark that the enclave had a second store keep. */
export interface KnownCounter {
  /** 0 before the first commit, and where there is a mark. */
  readonly counter: number;
  /** Empty where there is none. */
  readonly mark: Uint8Array;
}

/** Whether a state was kept. */
export const isBegun = ({ counter, mark }: KnownCounter): boolean => counter > 0 || mark.length > 0;

/** Where it is kept how many commits there were: no older state is believed. */
export interface CounterHome {
  /** The second store that keeps it; empty where this host does. */
  readonly at: string;
  read(): Promise<KnownCounter>;
  /** After the state of this number was kept. */
  advance(counter: number, mark: Uint8Array): Promise<void>;
  close(): void;
}

/** A counter of this host, which is a number. */
export const localCounter = (
  read: () => Promise<number>,
  advance: (counter: number) => Promise<void>,
): CounterHome => ({
  at: '',
  read: async () => ({ counter: await read(), mark: new Uint8Array(0) }),
  advance,
  close: () => undefined,
});

/** A file beside the key: who puts back an older copy of it too is not noticed. */
export function fileCounter(name: string): CounterHome & { remove(): Promise<void> } {
  const path = join(keysDirectory(), `${name}.counter`);
  async function read(): Promise<number> {
    const text = (await readIfThere(path))?.toString('latin1').trim() ?? '0';
    const counter = Number(text);
    return /^\d{1,16}$/.test(text) && Number.isSafeInteger(counter)
      ? counter
      : fail('bad-state', `"${path}" is no counter`);
  }
  const advance = (counter: number): Promise<void> =>
    writeAtomically(path, `${counter}\n`).catch((error) => failFile(path, error));
  return { ...localCounter(read, advance), remove: () => rm(path, { force: true }) };
}
