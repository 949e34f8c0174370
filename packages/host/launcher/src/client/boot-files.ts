import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BootFile } from './virtual-machine.ts';

/** Kernels and the like that a caller has in memory, as files until the launcher has opened them. */
export interface BootFiles {
  /** Where each file lies. */
  pathOf(file: BootFile): string;
  remove(): Promise<void>;
}

export async function writeBootFiles(files: readonly (BootFile | undefined)[]): Promise<BootFiles> {
  const written = new Map<BootFile, string>();
  const remove = async (): Promise<void> => {
    for (const path of written.values()) await rm(path, { force: true });
  };
  try {
    for (const file of files) {
      if (file === undefined || typeof file === 'string' || written.has(file)) continue;
      const path = join(tmpdir(), `cloister-boot-${randomUUID()}`);
      written.set(file, path);
      const handle = await open(path, 'wx', 0o600);
      await handle.writeFile(file).finally(() => handle.close());
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { pathOf: (file) => (typeof file === 'string' ? file : written.get(file)!), remove };
}
