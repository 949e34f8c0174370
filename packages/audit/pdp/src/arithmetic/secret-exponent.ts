// Exponents that nobody may learn (those that are reduced by a group's secret order), and long sums of blocks. Numbers are
// arrays of small digits in doubles, which hold products of them exactly up to 2^53; no loop and no branch depends on a
// value, as it would in BigInt.

const DIGIT_BITS = 16;
const WIDE_BITS = 24;
const WIDE = 2 ** WIDE_BITS;
/** Digits that are folded at once; the table of their powers then stays in a processor's cache (0.8 MiB at 2048 bits). */
const FOLD_DIGITS = 1024;
const ROWS_AT_ONCE = 8;
/** So many products of two digits and eight places add up below 2^53. */
const TERMS_UNTIL_CARRY = 2 ** 17;

/** sum c_j x_j over the integers, for numbers x_j of at most `bytes` bytes and coefficients c_j of at most 128 bits. */
export interface WeightedSum {
  add(coefficient: Uint8Array, number: Uint8Array): void;
  /** The sum until now, in `weightedSumBytes`. */
  bytes(): Uint8Array;
}

/** Bytes of a sum: those of a number, eight digits of a coefficient, and four that up to 2^53 terms carry. */
export const weightedSumBytes = (bytes: number): number => 2 * (Math.ceil(bytes / 2) + 8 + 4);

export function weightedSum(bytes: number): WeightedSum {
  const sum = new Float64Array(weightedSumBytes(bytes) / 2);
  let terms = 0;
  return {
    add(coefficient, number) {
      const factors = digits(coefficient);
      const places = digits(number);
      for (let first = 0; first < factors.length; first += 4) addFourfold(sum, places, factors, first);
      terms += 1;
      if (terms % TERMS_UNTIL_CARRY === 0) carry(sum, DIGIT_BITS);
    },
    bytes() {
      carry(sum, DIGIT_BITS);
      const out = new Uint8Array(2 * sum.length);
      for (let at = 0; at < sum.length; at += 1) {
        out[out.length - 1 - 2 * at] = sum[at]! % 256;
        out[out.length - 2 - 2 * at] = Math.floor(sum[at]! / 256);
      }
      return out;
    },
  };
}

/** Four digits of a coefficient, from `first` on, times all of a number: four products a place, and one read of the sum. */
function addFourfold(sum: Float64Array, places: Float64Array, factors: Float64Array, first: number): void {
  const [a, b, c, d] = [factors[first]!, factors[first + 1] ?? 0, factors[first + 2] ?? 0, factors[first + 3] ?? 0];
  let [x, y, z] = [0, 0, 0];
  for (let at = 0; at < places.length; at += 1) {
    const w = places[at]!;
    sum[first + at]! += a * w + b * x + c * y + d * z;
    [x, y, z] = [w, x, y];
  }
  const end = first + places.length;
  sum[end]! += b * x + c * y + d * z;
  sum[end + 1]! += c * x + d * y;
  sum[end + 2]! += d * x;
}

/** A number of any length to one that is congruent to it modulo the order, and 4 bytes longer than the order. */
export type Reduce = (number: Uint8Array) => Uint8Array;

/**
 * Reduction by a secret order without a division: each digit counts as often as the table has it, 2^(16 k) mod order, and
 * what that sums up to is congruent, if not the least. An exponent need not be the least.
 */
export function reduceBy(order: Uint8Array): Reduce {
  const width = Math.ceil((order.length * 8) / WIDE_BITS);
  /** What a folded number has: the order's digits, and 27 bits for the sum of 2^11 products with one of 16 bits. */
  const folded = Math.ceil(order.length / 2) + 2;
  const rows = Math.ceil((FOLD_DIGITS + folded) / ROWS_AT_ONCE) * ROWS_AT_ONCE;
  const table = powersOfTwo(order, width, rows);
  const length = order.length + 4;

  return (number) => {
    const all = digits(number);
    const window = new Float64Array(rows);
    const sum = new Float64Array(width + 2);
    for (let end = Math.ceil(all.length / FOLD_DIGITS) * FOLD_DIGITS; end > 0; end -= FOLD_DIGITS) {
      window.fill(0, 0, FOLD_DIGITS);
      window.set(all.subarray(end - FOLD_DIGITS, end));
      fold(window, table, width, sum);
      carry(sum, WIDE_BITS);
      const digitsOfSum = digits(wideBytes(sum, length));
      window.fill(0, FOLD_DIGITS);
      window.set(digitsOfSum.subarray(0, rows - FOLD_DIGITS), FOLD_DIGITS);
    }
    return wideBytes(sum, length);
  };
}

/** sum = table^T window, eight rows at a time: a row for each digit, a column for each place. */
function fold(window: Float64Array, table: Float64Array, width: number, sum: Float64Array): void {
  sum.fill(0);
  for (let row = 0; row < window.length; row += ROWS_AT_ONCE) {
    const [a, b, c, d] = [window[row]!, window[row + 1]!, window[row + 2]!, window[row + 3]!];
    const [e, f, g, h] = [window[row + 4]!, window[row + 5]!, window[row + 6]!, window[row + 7]!];
    let at = row * width;
    for (let place = 0; place < width; place += 1, at += 1)
      sum[place]! +=
        a * table[at]! +
        b * table[at + width]! +
        c * table[at + 2 * width]! +
        d * table[at + 3 * width]! +
        e * table[at + 4 * width]! +
        f * table[at + 5 * width]! +
        g * table[at + 6 * width]! +
        h * table[at + 7 * width]!;
  }
}

/** Row k is 2^(16 k) mod order, by doubling and taking the order off where a mask says so. */
function powersOfTwo(order: Uint8Array, width: number, rows: number): Float64Array {
  const modulus = wideDigits(order, width);
  const table = new Float64Array(rows * width);
  const value = new Float64Array(width);
  const less = new Float64Array(width);
  value[0] = 1;
  for (let row = 0; row < rows; row += 1) {
    table.set(value, row * width);
    for (let bit = 0; bit < DIGIT_BITS; bit += 1) {
      let over = 0;
      let borrow = 0;
      for (let at = 0; at < width; at += 1) {
        const doubled = 2 * value[at]! + over;
        over = Math.floor(doubled / WIDE);
        const digit = doubled - over * WIDE;
        value[at] = digit;
        const difference = digit - modulus[at]! + borrow;
        borrow = Math.floor(difference / WIDE);
        less[at] = difference - borrow * WIDE;
      }
      // 1 where the doubled value is not below the order, so that the difference is what counts.
      const take = over + borrow + 1;
      for (let at = 0; at < width; at += 1) value[at] = value[at]! * (1 - take) + less[at]! * take;
    }
  }
  return table;
}

function carry(sum: Float64Array, bits: number): void {
  const base = 2 ** bits;
  let over = 0;
  for (let at = 0; at < sum.length; at += 1) {
    const value = sum[at]! + over;
    over = Math.floor(value / base);
    sum[at] = value - over * base;
  }
}

/** Digits of 16 bits, least significant first, of bytes whose most significant comes first. */
function digits(bytes: Uint8Array): Float64Array {
  const out = new Float64Array(Math.ceil(bytes.length / 2));
  const pairs = bytes.length >> 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < pairs; at += 1) out[at] = view.getUint16(bytes.length - 2 - 2 * at);
  if (bytes.length % 2 === 1) out[pairs] = bytes[0]!;
  return out;
}

function wideDigits(bytes: Uint8Array, width: number): Float64Array {
  const out = new Float64Array(width);
  for (let at = 0; at < bytes.length; at += 1)
    out[Math.floor(at / 3)]! += bytes[bytes.length - 1 - at]! * 256 ** (at % 3);
  return out;
}

function wideBytes(value: Float64Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += 1)
    out[length - 1 - at] = Math.floor((value[Math.floor(at / 3)] ?? 0) / 256 ** (at % 3)) % 256;
  return out;
}
