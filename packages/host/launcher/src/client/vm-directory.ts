import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from './launch-error.ts';
import { runtimeDirectory } from './runtime-directory.ts';

/** Where a VM's owner keeps its token, for the user's other commands, and what its compartments say. */
export interface VmDirectory {
  log(text: string): void;
  remove(): void;
}

const NAME = /^[0-9a-f]{8}$/;
const OLD_MS = 60_000;

/** @throws LaunchError if there is one of that number */
export function makeVmDirectory(vm: string, token: string): VmDirectory {
  const directory = directoryOf(vm);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (cause) {
    throw new LaunchError('failed', 'A VM of this number runs already', { cause });
  }
  writeFileSync(join(directory, 'token'), token, { mode: 0o600 });
  return {
    log(text) {
      try {
        appendFileSync(join(directory, 'log'), text);
      } catch {
        // The disk is full: a log is not worth a VM.
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** The token of a VM of this user's. @throws LaunchError */
export function tokenOf(vm: string): string {
  try {
    return readFileSync(join(directoryOf(vm), 'token'), 'latin1');
  } catch (cause) {
    if (cause instanceof LaunchError) throw cause;
    throw new LaunchError('refused', `There is no VM "${vm}": see "cloister ps"`, { cause });
  }
}

/** What the VM's compartments have said to their operator. */
export function operatorLog(vm: string): string {
  try {
    return readFileSync(join(directoryOf(vm), 'log'), 'latin1');
  } catch (error) {
    if (error instanceof LaunchError) throw error;
    return '';
  }
}

/** Takes away what owners that were killed have left; nothing is done while a launcher runs, of whatever version. */
export function removeLeftDirectories(): void {
  const names = readdirSync(runtimeDirectory());
  if (names.some((name) => name.endsWith('.sock'))) return;
  for (const path of names.filter((name) => NAME.test(name)).map(directoryOf)) {
    // Another client may be about to start its VM.
    if (Date.now() - statSync(path).mtimeMs > OLD_MS) rmSync(path, { recursive: true, force: true });
  }
}

function directoryOf(vm: string): string {
  if (!NAME.test(vm)) throw new LaunchError('refused', `"${vm}" is no VM: see "cloister ps"`);
  return join(runtimeDirectory(), vm);
}
