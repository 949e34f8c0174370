import type { Check } from '@cloister/protocol';
import { decode, decodeFirst, encode } from 'cborg';
import { encodeFlat } from './flat-record.ts';

/** Exactly so many bytes. */
export const bytes =
  (length: number): Check<Uint8Array> =>
  (value): value is Uint8Array =>
    value instanceof Uint8Array && value.length === length;
/** At most so many bytes. */
export const bytesUpTo =
  (most: number): Check<Uint8Array> =>
  (value): value is Uint8Array =>
    value instanceof Uint8Array && value.length <= most;

/** A record as deterministic CBOR (RFC 8949, 4.2). */
export function encodeRecord(value: object): Uint8Array {
  return encodeFlat(value) ?? encode(value);
}

/**
 * A record as `check` wants it, from the one encoding that it has: what is not encoded as `encodeRecord` does (a key twice or out
 * of order, a longer integer than need be, a whole number as floating point, anything indefinite) is none.
 */
export function decodeRecord<T>(check: Check<T>, encoded: Uint8Array): T | undefined {
  try {
    const value: unknown = decode(encoded, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true });
    return check(value) && isSame(encode(value), encoded) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Records that lie one after the other (RFC 8742), each as it is encoded; throws for what is none. */
export function* recordsIn(encoded: Uint8Array): Iterable<Uint8Array> {
  for (let rest = encoded; rest.length > 0; ) {
    const [, after] = decodeFirst(rest, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true });
    yield rest.subarray(0, rest.length - after.length);
    rest = after;
  }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) if (left[at] !== right[at]) return false;
  return true;
}

/** A whole number in 8 bytes, most significant first. Without a view, for which V8 would make a buffer outside its heap. */
export function uint64(value: number): Uint8Array {
  const out = new Uint8Array(8);
  let rest = value;
  for (let at = 7; at >= 0; at -= 1) {
    out[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return out;
}

/** Parts one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    out.set(part, end);
    end += part.length;
  }
  return out;
}

/** A number of 8 bytes, or NaN if it is not a safe one. */
export function readUint64(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  const value = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

export const ascii = (label: string): Uint8Array => new TextEncoder().encode(label);
