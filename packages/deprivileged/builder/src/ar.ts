import type { ByteReader } from './byte-reader.ts';
import { refuse } from './failure.ts';

/** A member of an `ar` archive: its name and its bytes as a stream. */
export interface ArMember {
  readonly name: string;
  readonly size: number;
  readonly content: AsyncGenerator<Uint8Array, void, undefined>;
}

const MAGIC = '!<arch>\n';
const HEADER_LENGTH = 60;

/**
 * The members of an `ar` archive in order (deb(5), "FORMAT"). Content that the consumer does not read is skipped.
 * Throws `malformed` or `truncated`. Names of more than 16 characters (GNU and BSD extensions) do not occur in a deb.
 */
export async function* arMembers(reader: ByteReader): AsyncGenerator<ArMember, void, undefined> {
  const magic = await reader.read(MAGIC.length);
  if (ascii(magic) !== MAGIC) refuse('malformed', 'Not an ar archive');
  for (;;) {
    const header = await reader.readOrEnd(HEADER_LENGTH);
    if (header === undefined) return;
    if (header[58] !== 0x60 || header[59] !== 0x0a) refuse('malformed', 'An ar member has a damaged header');
    const name = ascii(header.subarray(0, 16)).trimEnd().replace(/\/$/, '');
    const digits = ascii(header.subarray(48, 58)).trimEnd();
    if (!/^\d{1,10}$/.test(digits)) refuse('malformed', `The ar member "${name}" has no valid size`);
    const size = Number(digits);
    const end = reader.position() + size;
    yield { name, size, content: reader.stream(size) };
    await reader.skip(end - reader.position());
    if (size % 2 === 1) await reader.readOrEnd(1);
  }
}

/** The 60-byte header of a member, with the fixed owner, mode and time that dpkg-deb writes for time 0. */
export function arHeader(name: string, size: number): Uint8Array {
  const fields =
    name.padEnd(16) + '0'.padEnd(12) + '0'.padEnd(6) + '0'.padEnd(6) + '100644'.padEnd(8) + String(size).padEnd(10);
  return new TextEncoder().encode(`${fields}\u0060\n`);
}

/** The bytes that open an archive. */
export const AR_MAGIC: Uint8Array = new TextEncoder().encode(MAGIC);

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
