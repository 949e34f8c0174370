import { FRAME_BYTES_MAX } from './channel.ts';
import { EPOCH_BYTES } from './start.ts';

/**
 * How a channel lies on a byte stream (a pipe): from each side a greeting, then records of {kind, length}, contents.
 * A stream outlives a process at its end, whose last record may be half there: each epoch of the stream begins with its
 * own greeting, and what comes before it is dropped. An epoch's number is random, so no earlier byte can be its greeting.
 * The end that stays greets when it is told of the new one, and only that greeting is answered: so nothing of an epoch
 * comes to an end that does not know of it yet, and would take it for the rest of a dead one's record.
 */
const GREETING = Uint8Array.of(0x43, 0x4c, 0x4f, 0x49, 0x53, 0x54, 0x00, 0x02);

export function greetingOf(epoch: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(GREETING.length + EPOCH_BYTES);
  out.set(GREETING);
  out.set(epoch.subarray(0, EPOCH_BYTES), GREETING.length);
  return out;
}

export const RECORD_HEADER_BYTES = 5;

const KINDS = ['frame', 'credit', 'close'] as const;

/** A frame; returned credit (contents: four bytes, little-endian); the end (contents: the reason, UTF-8). */
export type RecordKind = (typeof KINDS)[number];

export interface RecordHeader {
  readonly kind: RecordKind;
  /** Bytes of contents that follow. */
  readonly length: number;
}

const LENGTH_MAX: Readonly<Record<RecordKind, number>> = { frame: FRAME_BYTES_MAX, credit: 4, close: 1024 };

/** Stores a record's header at `at`. */
export function putRecordHeader(out: Uint8Array, at: number, kind: RecordKind, length: number): void {
  out[at] = KINDS.indexOf(kind);
  for (let i = 0; i < 4; i += 1) out[at + 1 + i] = length >>> (8 * i);
}

/** Undefined when the five bytes at `at` are no header that a channel may send. */
export function decodeRecordHeader(bytes: Uint8Array, at = 0): RecordHeader | undefined {
  if (bytes.length < at + RECORD_HEADER_BYTES) return undefined;
  const kind = KINDS[bytes[at]!];
  const length = (bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24)) >>> 0;
  if (kind === undefined || length > LENGTH_MAX[kind] || (kind === 'credit' && length !== 4)) return undefined;
  return { kind, length };
}
