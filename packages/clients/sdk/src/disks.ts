import { stat } from 'node:fs/promises';
import type { DiskConfig } from '@cloister/launcher';
import { fail } from './failure.ts';

/**
 * A disk from `FILE` or `FILE,ro`, checked before anything is started.
 * @throws `bad-disk`, `bad-file`
 */
export async function parseDisk(text: string): Promise<DiskConfig> {
  const readOnly = text.endsWith(',ro');
  const path = readOnly ? text.slice(0, -3) : text;
  const found = await stat(path).catch((cause: unknown) =>
    fail('bad-file', `Cannot open the disk "${path}"`, { cause }),
  );
  if (found.isDirectory()) fail('bad-disk', `The disk "${path}" is a directory`);
  if (!found.isFile()) fail('bad-disk', `The disk "${path}" is not a regular file`);
  if (found.size === 0 || found.size % 512 !== 0)
    fail('bad-disk', `The disk "${path}" has ${found.size} bytes, no multiple of 512`, {
      hint: `Make it longer with: truncate -s %512 ${path}`,
    });
  return { path, readOnly, writes: 'direct' };
}
