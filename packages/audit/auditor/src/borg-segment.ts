import { crc32 } from 'node:zlib';

/** What an object has in itself by which damage shows, piece by piece. */
export interface ObjectCheck {
  /** What is wrong with it, as far as it is known. */
  feed(piece: Uint8Array): string | undefined;
  /** The same, after its last piece. */
  end(): string | undefined;
}

/** The log of borg 1 (Borg documentation, Internals, "Segments"): a magic, then entries of CRC32, size, tag, key and data. */
const MAGIC = Buffer.from('BORG_SEG');
const HEADER_BYTES = 9;
/** The CRC is over all that follows it. */
const CRC_BYTES = 4;
const ENTRY_BYTES_MAX = 20 * 2 ** 20 + 41;
const KNOWN_TAGS = ['put', 'delete', 'commit'];

/**
 * Checks a segment of borg's against the CRC32 of each of its entries, which needs no key. They show accidents: who wants to
 * change an entry makes its CRC anew. The names of entries are keyed hashes (without encryption SHA-256 of what is
 * compressed there), which nobody without the key can check.
 */
export function borgSegment(): ObjectCheck {
  let head = Buffer.alloc(0);
  /** Bytes of the entry that are still to come, and the CRC as far as it has come. */
  let left = 0;
  let wanted = 0;
  let crc = 0;
  let at = 0;
  let entry = 0;
  let isBegun = false;
  let flaw: string | undefined;
  /** A format that is newer than this: nothing can be said of it. */
  let isUnknown = false;

  function begin(): void {
    wanted = head.readUInt32LE(0);
    const size = head.readUInt32LE(4);
    if (head[8]! >= KNOWN_TAGS.length) isUnknown = true;
    else if (size < HEADER_BYTES || size > ENTRY_BYTES_MAX)
      flaw = `Its entry at byte ${entry} has no length that can be`;
    crc = crc32(head.subarray(CRC_BYTES));
    left = size - HEADER_BYTES;
    head = Buffer.alloc(0);
    close();
  }
  function close(): void {
    if (left > 0 || flaw !== undefined || isUnknown) return;
    if (crc !== wanted) flaw = `Its entry at byte ${entry} is not what its checksum says`;
    entry = at;
  }

  return {
    feed(piece) {
      for (let from = 0; from < piece.length && flaw === undefined && !isUnknown; ) {
        const needed = left > 0 ? left : (isBegun ? HEADER_BYTES : MAGIC.length) - head.length;
        const part = piece.subarray(from, from + needed);
        from += part.length;
        at += part.length;
        if (left > 0) {
          crc = crc32(part, crc);
          left -= part.length;
          close();
          continue;
        }
        head = Buffer.concat([head, part]);
        if (part.length < needed) continue;
        if (isBegun) begin();
        else {
          if (!head.equals(MAGIC)) flaw = 'It does not begin as a segment of borg';
          isBegun = true;
          head = Buffer.alloc(0);
          entry = at;
        }
      }
      return flaw;
    },
    end() {
      const isWhole = isUnknown || (isBegun && left === 0 && head.length === 0);
      return flaw ?? (isWhole ? undefined : `Its last entry, at byte ${entry}, is cut short`);
    },
  };
}
