/** What `bench/guest/steady-writer.c` writes, made again here. */
export const RECORD_FILES = 96;
const RECORD_BYTES_MAX = 48 * 1024;
const HEAD = 32;
const MAGIC = 'CLSTRKIL';

/** Byte `k` of the streams in and out. */
export const pattern = (k: number): number => Math.imul(k, 2654435761) >>> 24;

/** The number of the record that these bytes begin, or undefined. */
export function recordNumber(bytes: Buffer): number | undefined {
  if (bytes.length < HEAD || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  return Number(bytes.readBigUInt64LE(8));
}

/** Whether a file is exactly record `n`. */
export function isRecord(n: number, file: Buffer): boolean {
  let state = (Math.imul(n, 747796405) + 1) >>> 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state;
  };
  const length = HEAD + (next() % (RECORD_BYTES_MAX - HEAD));
  if (file.length !== length || recordNumber(file) !== n || file.readUInt32LE(16) !== length) return false;
  let sum = 2166136261;
  for (let at = HEAD; at < length; at += 1) {
    const byte = next() >>> 24;
    if (file[at] !== byte) return false;
    sum = Math.imul(sum ^ byte, 16777619) >>> 0;
  }
  return file.readUInt32LE(20) === sum;
}
