import { lstat, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * Where a file lies that somebody asks about, or undefined: plain files below `root` alone, wherever links lead.
 * @param root a real path
 */
export async function pathBelow(root: string, name: string): Promise<string | undefined> {
  const parts = name.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\0\\]/.test(part))) return undefined;
  try {
    const path = await realpath(join(root, ...parts));
    const inside = root.endsWith(sep) ? root : `${root}${sep}`;
    // What is no plain file may never be done with being opened.
    return path.startsWith(inside) && (await lstat(path)).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}
