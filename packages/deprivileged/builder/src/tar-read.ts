import type { TarHeader } from '@cloister/protocol';
import type { ByteReader } from './byte-reader.ts';
import { refuse } from './failure.ts';

export interface TarEntry {
  readonly header: TarHeader;
  readonly content: AsyncGenerator<Uint8Array, void, undefined>;
}

const BLOCK = 512;
/** Names and pax records longer than this do not occur in Debian's packages. */
const LONG_LIMIT = 64 * 1024;

const TYPES: Readonly<Record<string, TarHeader['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * The entries of a tar stream: ustar, pax extended headers (POSIX.1-2017, pax, "pax Header Block") and GNU long names.
 * Content that the consumer leaves unread is skipped. Ends at the first zero block. Throws `truncated`, `malformed`,
 * `too-large` (a name), or `unsupported` (sparse files, unknown kinds).
 */
export async function* tarEntries(reader: ByteReader): AsyncGenerator<TarEntry, void, undefined> {
  let longName: string | undefined;
  let longLink: string | undefined;
  let pax: ReadonlyMap<string, string> = new Map();
  for (;;) {
    const block = await reader.readOrEnd(BLOCK);
    if (block === undefined) refuse('truncated', 'A tar archive ends without its end mark');
    if (block.every((byte) => byte === 0)) return;
    checkSum(block);
    const flag = String.fromCharCode(block[156] ?? 0);
    const size = number(block, 124, 12);
    if (flag === 'L' || flag === 'K' || flag === 'x' || flag === 'g') {
      if (size > LONG_LIMIT) refuse('too-large', 'A tar extension header is too long');
      const text = utf8(await reader.read(size));
      await reader.skip(padding(size));
      if (flag === 'L') longName = text.replace(/\0.*$/s, '');
      else if (flag === 'K') longLink = text.replace(/\0.*$/s, '');
      else if (flag === 'x') pax = paxRecords(text);
      continue;
    }
    const type = TYPES[flag] ?? refuse('unsupported', `A tar entry has the unknown kind "${flag}"`);
    if ([...pax.keys()].some((key) => key.startsWith('GNU.sparse')))
      refuse('unsupported', 'A tar entry is a sparse file');
    const prefix = text(block, 257, 6).startsWith('ustar') && block[262] === 0 ? text(block, 345, 155) : '';
    const plainName = text(block, 0, 100);
    const name = pax.get('path') ?? longName ?? (prefix === '' ? plainName : `${prefix}/${plainName}`);
    const linkName = pax.get('linkpath') ?? longLink ?? text(block, 157, 100);
    const length = type === 'file' ? (paxNumber(pax, 'size') ?? size) : 0;
    const header: TarHeader = {
      name: normal(name),
      type,
      mode: number(block, 100, 8) & 0o7777,
      uid: paxNumber(pax, 'uid') ?? number(block, 108, 8),
      gid: paxNumber(pax, 'gid') ?? number(block, 116, 8),
      size: length,
      mtime: Math.trunc(paxNumber(pax, 'mtime') ?? number(block, 136, 12)),
      linkName: type === 'hardlink' ? normal(linkName) : linkName,
      major: type === 'character' || type === 'block' ? number(block, 329, 8) : 0,
      minor: type === 'character' || type === 'block' ? number(block, 337, 8) : 0,
    };
    longName = undefined;
    longLink = undefined;
    pax = new Map();
    const end = reader.position() + length + padding(length);
    yield { header, content: reader.stream(length) };
    await reader.skip(end - reader.position());
  }
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function normal(name: string): string {
  return name
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
}

function text(block: Uint8Array, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return utf8(end < 0 ? field : field.subarray(0, end));
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** An octal field, or GNU's base-256 form (first byte 0x80). */
function number(block: Uint8Array, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  if (field[0] === 0x80) {
    let value = 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : refuse('malformed', 'A tar header has a number out of range');
  }
  const digits = text(block, offset, length).trim();
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) refuse('malformed', 'A tar header has a damaged number');
  return Number.parseInt(digits, 8);
}

function checkSum(block: Uint8Array): void {
  let sum = 0;
  for (let index = 0; index < BLOCK; index++) sum += index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0);
  if (sum !== number(block, 148, 8)) refuse('malformed', 'A tar header has a wrong checksum');
}

function paxRecords(records: string): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  const bytes = new TextEncoder().encode(records);
  let offset = 0;
  while (offset < bytes.length) {
    const space = bytes.indexOf(0x20, offset);
    const length = space < 0 ? Number.NaN : Number(utf8(bytes.subarray(offset, space)));
    // A record is "LENGTH KEY=VALUE\n", its length counting all of it.
    if (!Number.isSafeInteger(length) || length <= space - offset + 1 || offset + length > bytes.length) {
      refuse('malformed', 'A tar archive has a damaged pax record');
    }
    const record = utf8(bytes.subarray(space + 1, offset + length - 1));
    const equals = record.indexOf('=');
    if (equals < 1) refuse('malformed', 'A tar archive has a damaged pax record');
    out.set(record.slice(0, equals), record.slice(equals + 1));
    offset += length;
  }
  return out;
}

function paxNumber(pax: ReadonlyMap<string, string>, key: string): number | undefined {
  const value = pax.get(key);
  if (value === undefined) return undefined;
  const parsed = Number(value);
  const sound = Number.isFinite(parsed) && parsed >= 0 && parsed <= Number.MAX_SAFE_INTEGER;
  return sound ? parsed : refuse('malformed', `A tar archive has a damaged pax ${key}`);
}
