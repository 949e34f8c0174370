import type { Check } from '@cloister/protocol';
import { decode, encode } from 'cborg';

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
  return encode(value);
}

/** A record as `check` wants it, from strict CBOR: no key twice, no integer longer than it must be, nothing indefinite. */
export function decodeRecord<T>(check: Check<T>, encoded: Uint8Array): T | undefined {
  let value: unknown;
  try {
    value = decode(encoded, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true });
  } catch {
    return undefined;
  }
  return check(value) ? value : undefined;
}

/** A whole number in 8 bytes, most significant first. */
export function uint64(value: number): Uint8Array {
  const out = new Uint8Array(8);
  const view = new DataView(out.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value % 2 ** 32);
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

export const ascii = (label: string): Uint8Array => new TextEncoder().encode(label);
