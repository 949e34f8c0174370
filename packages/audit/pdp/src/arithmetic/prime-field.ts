/**
 * The integers modulo the Mersenne prime p = 2^127 - 1, in limbs of 22 bits: six an element, held in floating-point numbers.
 * A product of two limbs is below 2^44 and six of them meet in a column, so that 64 products of elements can be added before
 * a carry, in numbers that are exact below 2^53. It is ten times as fast as BigInt, and every operation is the same
 * whatever the values are: no branch and no address depends on one. (JavaScript promises nobody constant time: an engine may
 * treat small integers differently. BigInt's time depends on the values by design, so no secret goes there.)
 */
export const ELEMENT_BYTES = 16;
/** So many bytes of data are an element whatever they are. */
export const SECTOR_BYTES = 15;

export const LIMBS = 6;
const LIMB_BITS = 22;
const LIMB = 2 ** LIMB_BITS;
// Divisions take longer for some values than for others.
const PER_LIMB = 1 / LIMB;
const MASK = LIMB - 1;
/** A sum of products has eleven columns, and one for what is carried out of them. */
const COLUMNS = 12;
const PRODUCTS_BEFORE_CARRY = 64;
/** 127 is five limbs and 17 bits. */
const TOP = 2 ** 17;
const PER_TOP = 1 / TOP;

/** Elements, `LIMBS` numbers each. */
export type Elements = Float64Array;

/**
 * The elements that lie in `bytes`, `width` bytes each with the least significant first, the last one as short as it is. Of
 * 16 bytes the last bit is ignored: of random bytes that makes an element that is uniform but for 2^-127, as p stands for 0.
 */
export function elementsOf(bytes: Uint8Array, width: typeof ELEMENT_BYTES | typeof SECTOR_BYTES): Elements {
  const count = Math.ceil(bytes.length / width);
  const whole = new Uint8Array(count * width + 1);
  whole.set(bytes);
  const words = new DataView(whole.buffer);
  const topMask = width === ELEMENT_BYTES ? 0x7fffffff : 0x00ffffff;
  const out = new Float64Array(count * LIMBS);
  for (let at = 0, from = 0; at < out.length; at += LIMBS, from += width) {
    const a = words.getInt32(from, true);
    const b = words.getInt32(from + 4, true);
    const c = words.getInt32(from + 8, true);
    const d = words.getInt32(from + 12, true) & topMask;
    out[at] = a & MASK;
    out[at + 1] = ((a >>> 22) | (b << 10)) & MASK;
    out[at + 2] = ((b >>> 12) | (c << 20)) & MASK;
    out[at + 3] = (c >>> 2) & MASK;
    out[at + 4] = ((c >>> 24) | (d << 8)) & MASK;
    out[at + 5] = d >>> 14;
  }
  return out;
}

/** Whether 16 bytes are a number below p: what a prover sends is looked at before it is used. */
export function isElement(bytes: Uint8Array): boolean {
  if (bytes.length !== ELEMENT_BYTES || bytes[ELEMENT_BYTES - 1]! > 0x7f) return false;
  return bytes[ELEMENT_BYTES - 1]! < 0x7f || bytes.subarray(0, -1).some((byte) => byte !== 0xff);
}

/** The sum of `left[i] * right[i]`, where a shorter vector ends with zeros, and of `more`, which are elements as bytes. */
export function dotProduct(left: Elements, right: Elements, ...more: readonly Uint8Array[]): Uint8Array {
  const columns = new Float64Array(COLUMNS);
  const end = Math.min(left.length, right.length);
  for (let at = 0; at < end; at += LIMBS) {
    addProduct(columns, 0, left, at, right, at);
    if (((at / LIMBS) & (PRODUCTS_BEFORE_CARRY - 1)) === PRODUCTS_BEFORE_CARRY - 1) carry(columns, 0);
  }
  carry(columns, 0);
  for (const bytes of more)
    elementsOf(bytes, ELEMENT_BYTES).forEach((limb, at) => {
      columns[at]! += limb;
    });
  const out = new Uint8Array(ELEMENT_BYTES);
  reduce(columns, 0, out, 0);
  return out;
}

/** A vector of sums, to which multiples of vectors are added. */
export interface WeightedSum {
  /** Adds `coefficient`, one element, times each of `vector`, which may be shorter. */
  add(coefficient: Elements, vector: Elements): void;
  /** The sums, each below p, in 16 bytes. Nothing is added afterwards. */
  bytes(): Uint8Array;
}

export function weightedSum(count: number): WeightedSum {
  const columns = new Float64Array(count * COLUMNS);
  let added = 0;
  return {
    add(coefficient, vector) {
      for (let to = 0, at = 0; at < vector.length; to += COLUMNS, at += LIMBS)
        addProduct(columns, to, coefficient, 0, vector, at);
      added += 1;
      if (added % PRODUCTS_BEFORE_CARRY === 0) for (let at = 0; at < columns.length; at += COLUMNS) carry(columns, at);
    },
    bytes() {
      const out = new Uint8Array(count * ELEMENT_BYTES);
      for (let at = 0; at < count; at += 1) {
        carry(columns, at * COLUMNS);
        reduce(columns, at * COLUMNS, out, at * ELEMENT_BYTES);
      }
      return out;
    },
  };
}

/** Adds a product to a sum's columns; column k counts 2^22k. */
function addProduct(sum: Float64Array, to: number, left: Elements, i: number, right: Elements, j: number): void {
  const a0 = left[i]!;
  const a1 = left[i + 1]!;
  const a2 = left[i + 2]!;
  const a3 = left[i + 3]!;
  const a4 = left[i + 4]!;
  const a5 = left[i + 5]!;
  const b0 = right[j]!;
  const b1 = right[j + 1]!;
  const b2 = right[j + 2]!;
  const b3 = right[j + 3]!;
  const b4 = right[j + 4]!;
  const b5 = right[j + 5]!;
  sum[to]! += a0 * b0;
  sum[to + 1]! += a0 * b1 + a1 * b0;
  sum[to + 2]! += a0 * b2 + a1 * b1 + a2 * b0;
  sum[to + 3]! += a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0;
  sum[to + 4]! += a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0;
  sum[to + 5]! += a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0;
  sum[to + 6]! += a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1;
  sum[to + 7]! += a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2;
  sum[to + 8]! += a3 * b5 + a4 * b4 + a5 * b3;
  sum[to + 9]! += a4 * b5 + a5 * b4;
  sum[to + 10]! += a5 * b5;
}

/** Leaves each column but the last below 2^22. */
function carry(columns: Float64Array, from: number): void {
  for (let at = from; at < from + COLUMNS - 1; at += 1) {
    const high = Math.floor(columns[at]! * PER_LIMB);
    columns[at]! -= high * LIMB;
    columns[at + 1]! += high;
  }
}

/** Writes a sum modulo p in 16 bytes. 2^127 counts 1: what lies above is added to what lies below, until nothing does. */
function reduce(columns: Float64Array, from: number, out: Uint8Array, to: number): void {
  carry(columns, from);
  // Of fewer than 2^41 products: below 2^168 after one fold, 2^127 + 2^41 after two, and at most p after three.
  for (let fold = 0; fold < 3; fold += 1) foldOnce(columns, from);
  // p itself is 0: one more makes 2^127 of it alone.
  columns[from]! += 1;
  carry(columns, from);
  const isPrime = Math.floor(columns[from + LIMBS - 1]! * PER_TOP);
  columns[from]! += isPrime - 1;
  columns[from + LIMBS - 1]! -= isPrime * TOP;
  // Without the one, a column may be one below zero until its neighbour lends it.
  carry(columns, from);
  for (let byte = 0; byte < ELEMENT_BYTES; byte += 1) {
    const limb = Math.floor((8 * byte) / LIMB_BITS);
    const shift = 8 * byte - limb * LIMB_BITS;
    out[to + byte] = (columns[from + limb]! >>> shift) | (columns[from + limb + 1]! << (LIMB_BITS - shift));
  }
}

// The remainder operator of floating-point numbers takes as long as the value has bits.
const belowTop = (value: number): number => value - Math.floor(value * PER_TOP) * TOP;

function foldOnce(columns: Float64Array, from: number): void {
  for (let at = 0; at < LIMBS; at += 1) {
    const low = at === LIMBS - 1 ? belowTop(columns[from + at]!) : columns[from + at]!;
    const high = Math.floor(columns[from + at + 5]! * PER_TOP) + belowTop(columns[from + at + 6]!) * (LIMB / TOP);
    columns[from + at] = low + high;
  }
  columns[from + LIMBS] = Math.floor(columns[from + COLUMNS - 1]! * PER_TOP);
  columns.fill(0, from + LIMBS + 1, from + COLUMNS);
  carry(columns, from);
}
