import { AR_MAGIC, arHeader, arMembers } from './ar.ts';
import { type ByteSource, byteReader } from './byte-reader.ts';
import { compressionByName, decompress } from './decompress.ts';
import { refuse } from './failure.ts';
import { type TarEntry, tarEntries } from './tar-read.ts';

/** The entries of a package's `data.tar`, at most `limit` bytes of it (deb(5)). Throws as `arMembers`, `tarEntries`, `decompress`. */
export async function* debEntries(deb: ByteSource, limit: number): AsyncGenerator<TarEntry, void, undefined> {
  for await (const member of debMembers(deb)) {
    if (!member.name.startsWith('data.tar')) continue;
    const data = byteReader(decompress(member.content, compressionByName(member.name), limit));
    try {
      yield* tarEntries(data);
    } finally {
      await data.close();
    }
    return;
  }
  refuse('malformed', 'The package has no data.tar');
}

/**
 * The same package, in parts, with its two tar archives uncompressed, for a guest that would take long to decompress
 * them. `limit` bounds each uncompressed archive. The bytes are a function of the input alone.
 */
export async function repackDeb(deb: ByteSource, limit: number): Promise<Uint8Array[]> {
  const out: Uint8Array[] = [AR_MAGIC];
  let members = 0;
  const append = async (name: string, content: ByteSource, most: number) => {
    // The header says how long what follows it is.
    const header = out.push(AR_MAGIC) - 1;
    let size = 0;
    for await (const chunk of content) {
      size += chunk.length;
      if (size > most) refuse('too-large', `The package member "${name}" is larger than ${most} bytes`);
      out.push(chunk.slice());
    }
    out[header] = arHeader(name, size);
    if (size % 2 === 1) out.push(new Uint8Array([0x0a]));
    members += 1;
  };
  for await (const member of debMembers(deb)) {
    if (member.name === 'debian-binary') await append(member.name, member.content, 64);
    else if (/^(control|data)\.tar/.test(member.name)) {
      const plain = decompress(member.content, compressionByName(member.name), limit);
      await append(member.name.replace(/\.(xz|gz|zst)$/, ''), plain, limit);
    }
  }
  if (members < 3) refuse('malformed', 'The package lacks its control or data archive');
  return out;
}

async function* debMembers(deb: ByteSource): ReturnType<typeof arMembers> {
  const reader = byteReader(deb);
  try {
    let first = true;
    for await (const member of arMembers(reader)) {
      if (first && member.name !== 'debian-binary') refuse('malformed', 'Not a Debian package');
      if (/^(control|data)\.tar\./.test(member.name) && compressionByName(member.name) === 'none') {
        refuse('unsupported', `The package member "${member.name}" has an unknown compression`);
      }
      first = false;
      yield member;
    }
  } finally {
    await reader.close();
  }
}
