import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { type Copy, copyTarget, writeCopyDisk } from '@cloister/images';
import type { DiskConfig } from '@cloister/launcher';
import { fail } from './failure.ts';

/** `SRC:DST`, with DST an absolute path in the guest; throws `bad-usage`. */
export function parseCopy(text: string): Copy {
  const at = text.lastIndexOf(':');
  const target = text.slice(at + 1);
  if (at < 1 || !target.startsWith('/'))
    fail('bad-usage', `"${text}" is not SRC:DST`, { hint: 'Write it as --copy ./file:/path/in/the/guest' });
  return { source: text.slice(0, at), target };
}

/** A disk with the copies, what the guest must do with it, and what to call once the machine has opened it. */
export interface PreparedCopies {
  readonly disks: readonly DiskConfig[];
  readonly unpack: { readonly device: string; readonly directories: readonly string[] };
  done(): Promise<void>;
}

/** @param position how many disks the guest has before this one: virtio disks are vda, vdb, … in order */
export async function prepareCopies(copies: readonly Copy[], position: number): Promise<PreparedCopies> {
  const folder = await mkdtemp(join(tmpdir(), 'cloister-copy-'));
  const done = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'copies.tar');
  try {
    await writeCopyDisk(path, copies);
  } catch (error) {
    await done();
    throw error;
  }
  const directories = copies.map((copy) => posix.dirname(copyTarget(copy)));
  const device = `/dev/vd${String.fromCharCode('a'.charCodeAt(0) + position)}`;
  return { disks: [{ path, readOnly: true, writes: 'discard' }], unpack: { device, directories }, done };
}
