import { AR_MAGIC, arHeader, arMembers } from './ar.ts';
import { type ByteSource, byteReader, collect } from './byte-reader.ts';
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
 * The same package with its two tar archives uncompressed, for a guest that would take long to decompress them.
 * `limit` bounds each uncompressed archive. The bytes are a function of the input alone.
 */
export async function repackDeb(deb: ByteSource, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [AR_MAGIC];
  const append = (name: string, content: Uint8Array) => {
    parts.push(arHeader(name, content.length), content);
    if (content.length % 2 === 1) parts.push(new Uint8Array([0x0a]));
  };
  for await (const member of debMembers(deb)) {
    if (member.name === 'debian-binary') append(member.name, await collect(member.content, 64));
    else if (/^(control|data)\.tar/.test(member.name)) {
      const compression = compressionByName(member.name);
      append(
        member.name.replace(/\.(xz|gz|zst)$/, ''),
        await collect(decompress(member.content, compression, limit), limit),
      );
    }
  }
  // Magic and three members: version, control, data.
  if (parts.length < 7) refuse('malformed', 'The package lacks its control or data archive');
  return Buffer.concat(parts);
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
