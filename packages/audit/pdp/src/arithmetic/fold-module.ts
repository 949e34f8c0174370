import { DIGIT_BITS, DIGIT_MASK } from './digits.ts';
import {
  ADD_I64X2,
  ADD64,
  AND64,
  againWhileBelow,
  type Code,
  constant64,
  get,
  I64,
  load64,
  loadSplat32,
  loadVector,
  loop,
  moduleOf,
  PRODUCTS_HIGH,
  PRODUCTS_LOW,
  raise,
  SHIFT_RIGHT64,
  set,
  store32Of64,
  storeVector,
  tee,
  V128,
} from './wasm-encoding.ts';

/**
 * A WebAssembly module that adds up rows of digits of 27 bits, each times a digit of its own, four columns at a time; up to
 * 1000 such products stay below 2^64. The same instructions run on the same addresses, whatever the values are: they may be secret.
 */
export interface FoldExports {
  /** The four sums of `row[k] factor[k]`, of 64 bits each, to `to`: rows of four digits from `rows` on, factors from `factors` to `end`. */
  fold(rows: number, factors: number, end: number, to: number): void;
  /** Digits to `to` from sums that lie from `sums` to `end`. */
  carry(sums: number, end: number, to: number): void;
}

export const COLUMNS = 4;
export const ROWS_AT_ONCE = 8;

const [ROWS, FACTORS, END, TO] = [0, 1, 2, 3];
const [FACTOR, FOUR, LOW, HIGH] = [4, 5, 6, 7];

const addRow = (row: number): Code => [
  ...[...get(FACTORS), ...loadSplat32(4 * row), ...set(FACTOR), ...get(ROWS), ...loadVector(16 * row), ...set(FOUR)],
  ...[...get(LOW), ...get(FOUR), ...get(FACTOR), ...PRODUCTS_LOW, ...ADD_I64X2, ...set(LOW)],
  ...[...get(HIGH), ...get(FOUR), ...get(FACTOR), ...PRODUCTS_HIGH, ...ADD_I64X2, ...set(HIGH)],
];

const foldBody: Code = [
  ...loop(
    ...Array.from({ length: ROWS_AT_ONCE }, (_, row) => addRow(row)),
    raise(ROWS, 16 * ROWS_AT_ONCE),
    raise(FACTORS, 4 * ROWS_AT_ONCE),
    againWhileBelow(FACTORS, END),
  ),
  ...[...get(TO), ...get(LOW), ...storeVector(0), ...get(TO), ...get(HIGH), ...storeVector(16)],
];

const [SUMS, SUMS_END, DIGITS, CARRIED] = [0, 1, 2, 3];
const carryBody: Code = loop(
  [...get(DIGITS), ...get(CARRIED), ...get(SUMS), ...load64(0), ADD64, ...tee(CARRIED)],
  [...constant64(DIGIT_MASK), AND64, ...store32Of64(0)],
  [...get(CARRIED), ...constant64(DIGIT_BITS), SHIFT_RIGHT64, ...set(CARRIED)],
  raise(SUMS, 8),
  raise(DIGITS, 4),
  againWhileBelow(SUMS, SUMS_END),
);

export function foldModule(memoryBytes: number): Uint8Array {
  return moduleOf(memoryBytes, [
    { name: 'fold', parameters: 4, locals: [[4, V128]], code: foldBody },
    { name: 'carry', parameters: 3, locals: [[1, I64]], code: carryBody },
  ]);
}
