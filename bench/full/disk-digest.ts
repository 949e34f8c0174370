import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image, StartVirtualMachine } from '@cloister/images';
import { runInImage } from '../image-session.ts';

const PIECE = 4 << 20;

export interface DiskDigest {
  readonly bytes: number;
  readonly host: string;
  readonly guest: string;
  readonly seconds: number;
}

/** SHA-256 of a whole virtio disk of pseudo-random bytes, as the host and as the guest's sha256sum see it. */
export async function diskDigest(image: Image, start: StartVirtualMachine, bytes: number): Promise<DiskDigest> {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-digest-'));
  const path = join(directory, 'random.img');
  try {
    const host = writePseudoRandom(path, bytes);
    const began = performance.now();
    const device = image.rootDisk === undefined ? '/dev/vda' : '/dev/vdb';
    const { stdout } = await runInImage(image, `sha256sum ${device}`, {
      start,
      disks: [{ path, readOnly: true, writes: 'discard' }],
    });
    return {
      bytes,
      host,
      guest: stdout.split(' ')[0]!,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** AES-128-CTR of zeros under a fixed key; returns the SHA-256 of what was written. */
function writePseudoRandom(path: string, bytes: number): string {
  const stream = createCipheriv('aes-128-ctr', Buffer.from('cloister-digest!'), Buffer.alloc(16));
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(PIECE);
  const file = openSync(path, 'wx', 0o600);
  try {
    for (let at = 0; at < bytes; at += PIECE) {
      const piece = stream.update(zeros.subarray(0, Math.min(PIECE, bytes - at)));
      hash.update(piece);
      for (let written = 0; written < piece.length; ) written += writeSync(file, piece, written);
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
