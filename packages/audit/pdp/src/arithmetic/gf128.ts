import {
  ENTRY_BYTES,
  FROM,
  type Gf128Exports,
  gf128Module,
  POSITION_BYTES,
  TO,
  VECTOR_BYTES_MAX,
} from './gf128-module.ts';
import { instantiate } from './wasm-encoding.ts';

/**
 * GF(2^128) as GCM has it (NIST SP 800-38D, section 6.3): 16 bytes are a polynomial, the first bit of the first byte is the
 * coefficient of x^0, and x^128 = x^7 + x^2 + x + 1. Every 16 bytes are an element. Addition is XOR.
 */
export const ELEMENT_BYTES = 16;
// x^7 + x^2 + x + 1, as the first word of an element.
const REDUCTION = 0xe1000000;

export function addInto(sum: Uint8Array, term: Uint8Array): void {
  for (let at = 0; at < sum.length; at += 1) sum[at]! ^= term[at]!;
}

/**
 * The sum of `left[i] * right[i]` over two vectors of equal length. Secrets may be among them: the same operations run, on
 * the same addresses, whatever the values are.
 */
export function dotProduct(left: Uint8Array, right: Uint8Array): Uint8Array {
  const elements = left.length / ELEMENT_BYTES;
  const source = new DataView(right.buffer, right.byteOffset, right.length);
  const words = new Int32Array(4 * elements);
  for (let at = 0; at < words.length; at += 1) words[at] = source.getInt32(4 * at);

  let [a, b, c, d] = [0, 0, 0, 0];
  // Horner's rule over the powers of x, from the highest down, for all products at once.
  for (let power = 127; power >= 0; power -= 1) {
    const carry = -(d & 1) & REDUCTION;
    d = (d >>> 1) | (c << 31);
    c = (c >>> 1) | (b << 31);
    b = (b >>> 1) | (a << 31);
    a = (a >>> 1) ^ carry;
    const byte = power >>> 3;
    const shift = 7 - (power & 7);
    for (let at = 0; at < elements; at += 1) {
      const mask = -((left[ELEMENT_BYTES * at + byte]! >>> shift) & 1);
      a ^= words[4 * at]! & mask;
      b ^= words[4 * at + 1]! & mask;
      c ^= words[4 * at + 2]! & mask;
      d ^= words[4 * at + 3]! & mask;
    }
  }
  const sum = new Uint8Array(ELEMENT_BYTES);
  const out = new DataView(sum.buffer);
  [a, b, c, d].forEach((word, at) => {
    out.setInt32(4 * at, word);
  });
  return sum;
}

interface Multiplier {
  readonly exports: Gf128Exports;
  readonly memory: Uint8Array;
}
let multiplier: Multiplier | undefined;

function makeMultiplier(): Multiplier {
  const exports = instantiate<Gf128Exports>(gf128Module());
  return { exports, memory: new Uint8Array(exports.memory.buffer) };
}

/**
 * Adds `coefficient` times `vector` to `sum`, at some 1.5 GB/s. Both hold whole elements and are of equal length. Tables are
 * indexed by the vector's bytes: for what is public alone.
 */
export function addMultiple(sum: Uint8Array, coefficient: Uint8Array, vector: Uint8Array): void {
  const { exports, memory } = (multiplier ??= makeMultiplier());
  writePowers(new DataView(memory.buffer), coefficient);
  exports.fill();
  for (let at = 0; at < vector.length; at += VECTOR_BYTES_MAX) {
    const end = Math.min(vector.length, at + VECTOR_BYTES_MAX);
    memory.set(vector.subarray(at, end), FROM);
    memory.set(sum.subarray(at, end), TO);
    exports.add(FROM, FROM + end - at, TO);
    sum.set(memory.subarray(TO, TO + end - at), at);
  }
}

/** The coefficient times x^0 to x^127: four powers for each half-byte, whose first bit is the lowest power. */
function writePowers(table: DataView, coefficient: Uint8Array): void {
  const start = new DataView(coefficient.buffer, coefficient.byteOffset, ELEMENT_BYTES);
  let [a, b, c, d] = [start.getInt32(0), start.getInt32(4), start.getInt32(8), start.getInt32(12)];
  for (let power = 0; power < 128; power += 1) {
    const at = (power >>> 2) * POSITION_BYTES + (8 >>> (power & 3)) * ENTRY_BYTES;
    table.setInt32(at, a);
    table.setInt32(at + 4, b);
    table.setInt32(at + 8, c);
    table.setInt32(at + 12, d);
    const carry = -(d & 1) & REDUCTION;
    d = (d >>> 1) | (c << 31);
    c = (c >>> 1) | (b << 31);
    b = (b >>> 1) | (a << 31);
    a = (a >>> 1) ^ carry;
  }
}
