import { bytesOfDigits, DIGIT_BITS, DIGIT_MASK, digitsIn, writeDigits } from './digits.ts';
import { COLUMNS, type FoldExports, foldModule, ROWS_AT_ONCE } from './fold-module.ts';
import { instantiate } from './wasm-encoding.ts';

/** Digits that are folded at once; the table of their powers then stays in a processor's cache (0.2 MiB at 2048 bits). */
const FOLD_DIGITS = 512;

/** A number of any length to one that is congruent to it modulo the order, and 5 bytes longer than the order. */
export type Reduce = (number: Uint8Array) => Uint8Array;

/**
 * Reduction by a secret order without a division: each digit counts as often as the table has it, 2^(27 k) mod order, and
 * what that sums up to is congruent, if not the least. An exponent need not be the least.
 */
export function reduceBy(order: Uint8Array): Reduce {
  const width = COLUMNS * Math.ceil(digitsIn(order.length) / COLUMNS);
  /** What a folded number has: the order's digits, and 37 bits for the sum of 1000 products with one of 27 bits. */
  const folded = width + 2;
  const rows = Math.ceil((FOLD_DIGITS + folded) / ROWS_AT_ONCE) * ROWS_AT_ONCE;

  // In the module's memory: the table, by groups of four columns; the digits at hand, with those that were folded before; sums.
  const windowAt = 4 * rows * width;
  const foldedAt = windowAt + 4 * FOLD_DIGITS;
  const sumsAt = windowAt + 4 * rows;
  const sumsEnd = sumsAt + 8 * folded;
  const { fold, carry, memory } = instantiate<FoldExports>(foldModule(sumsEnd));
  writePowersOfTwo(new Int32Array(memory.buffer, 0, rows * width), order, width, rows);
  const window = new Uint32Array(memory.buffer, windowAt, rows);

  return (number) => {
    const all = new Uint32Array(FOLD_DIGITS * Math.ceil(digitsIn(number.length) / FOLD_DIGITS));
    writeDigits(all, 0, number);
    window.fill(0);
    for (let end = all.length; end > 0; end -= FOLD_DIGITS) {
      window.set(all.subarray(end - FOLD_DIGITS, end));
      for (let column = 0; column < width; column += COLUMNS)
        fold(4 * rows * column, windowAt, sumsAt, sumsAt + 8 * column);
      carry(sumsAt, sumsEnd, foldedAt);
    }
    return bytesOfDigits(window.subarray(FOLD_DIGITS), order.length + 5);
  };
}

/** Row k is 2^(27 k) mod order, by doubling and taking the order off where a mask says so. */
function writePowersOfTwo(table: Int32Array, order: Uint8Array, width: number, rows: number): void {
  const modulus = new Int32Array(width);
  writeDigits(modulus, 0, order);
  const value = new Int32Array(width);
  const less = new Int32Array(width);
  value[0] = 1;
  for (let row = 0; row < rows; row += 1) {
    for (let at = 0; at < width; at += 1) table[rows * (at & ~3) + COLUMNS * row + (at & 3)] = value[at]!;
    for (let bit = 0; bit < DIGIT_BITS; bit += 1) {
      let over = 0;
      let borrow = 0;
      for (let at = 0; at < width; at += 1) {
        const doubled = (value[at]! << 1) | over;
        over = doubled >>> DIGIT_BITS;
        const digit = doubled & DIGIT_MASK;
        value[at] = digit;
        const difference = digit - modulus[at]! + borrow;
        borrow = difference >> DIGIT_BITS;
        less[at] = difference & DIGIT_MASK;
      }
      // All ones where the doubled value is not below the order, so that the difference is what counts.
      const take = -(over + borrow + 1);
      for (let at = 0; at < width; at += 1) value[at] = (value[at]! & ~take) | (less[at]! & take);
    }
  }
}
