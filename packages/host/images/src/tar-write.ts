import type { TarHeader } from '@cloister/protocol';

const BLOCK = 512;
const FLAGS: Readonly<Record<TarHeader['type'], string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/**
 * A ustar header block for an entry, preceded by GNU long-name entries where a name exceeds 100 bytes (what busybox and
 * GNU tar read). The content follows, padded by `tarPadding(size)`.
 */
export function tarHeader(header: TarHeader): Uint8Array {
  const parts: Uint8Array[] = [];
  const name = new TextEncoder().encode(header.type === 'directory' ? `${header.name}/` : header.name);
  const link = new TextEncoder().encode(header.linkName);
  if (link.length > 100) parts.push(longEntry('K', link));
  if (name.length > 100) parts.push(longEntry('L', name));
  parts.push(block(name, header, FLAGS[header.type], link));
  return Buffer.concat(parts);
}

/** Zero bytes from the end of `size` bytes of content to the next block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The two zero blocks that end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

/** The header of a regular file of root's with time 0. */
export function plainFile(name: string, size: number, mode = 0o644): TarHeader {
  return { name, type: 'file', mode, uid: 0, gid: 0, size, mtime: 0, linkName: '', major: 0, minor: 0 };
}

function longEntry(flag: 'K' | 'L', value: Uint8Array): Uint8Array {
  const size = value.length + 1;
  const header = { ...plainFile('././@LongLink', size) };
  return Buffer.concat([
    block(new TextEncoder().encode(header.name), header, flag, new Uint8Array(0)),
    value,
    new Uint8Array(1),
    tarPadding(size),
  ]);
}

function block(name: Uint8Array, header: TarHeader, flag: string, link: Uint8Array): Uint8Array {
  const out = new Uint8Array(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    out.set(new TextEncoder().encode(value.toString(8).padStart(length - 1, '0')), offset);
  out.set(name.subarray(0, 100), 0);
  octal(header.mode, 100, 8);
  octal(header.uid, 108, 8);
  octal(header.gid, 116, 8);
  octal(header.size, 124, 12);
  octal(header.mtime, 136, 12);
  out.fill(0x20, 148, 156);
  out[156] = flag.charCodeAt(0);
  out.set(link.subarray(0, 100), 157);
  out.set(new TextEncoder().encode('ustar\u000000'), 257);
  octal(header.major, 329, 8);
  octal(header.minor, 337, 8);
  const sum = out.reduce((total, byte) => total + byte, 0);
  out.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return out;
}
