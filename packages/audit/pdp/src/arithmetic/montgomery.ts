import { DIGIT_BITS, digitsIn, writeDigits } from './digits.ts';
import { inverse, numberBytes } from './modular.ts';
import {
  AT_ONCE,
  INVERSE,
  MODULUS,
  type MontgomeryExports,
  montgomeryModule,
  NUMBER_BYTES_MAX,
  NUMBERS,
} from './montgomery-module.ts';
import { instantiate } from './wasm-encoding.ts';

/** Numbers that are there at once. */
export const PLACES = 1026;
const ONE = PLACES;
/** What a number may have more than the modulus. */
const EXCESS_BYTES = 16;
const DIGIT = 2 ** DIGIT_BITS;

/** Numbers modulo an odd one of at most 4096 bits, by their places, 0 to `PLACES - 1`; for what may be known. */
export interface Montgomery {
  /** R modulo N: the factor that a number from `put` lacks. */
  readonly radix: bigint;
  /** A number divided by R, from its bytes, most significant first: at most 16 more than the modulus has. */
  put(place: number, bytes: Uint8Array): void;
  take(place: number): bigint;
  /** The number at `to` becomes the product of those at `left` and `right`; all three may be the same. */
  multiply(left: number, right: number, to: number): void;
}

let memory: Uint32Array;
let exports: MontgomeryExports | undefined;

function wasm(): MontgomeryExports {
  if (exports === undefined) {
    const made = instantiate<MontgomeryExports>(montgomeryModule(PLACES + 1));
    memory = new Uint32Array(made.memory.buffer);
    exports = made;
  }
  return exports;
}

/** Takes the memory, which there is once, until it is taken again: to be used at one go. */
export function montgomery(modulus: bigint): Montgomery {
  const bytes = Math.ceil(modulus.toString(16).length / 2);
  // With a byte more than the longest number has, no product is longer than it.
  const length = AT_ONCE * Math.ceil(digitsIn(bytes + EXCESS_BYTES + 1) / AT_ONCE);
  const { multiply } = wasm();
  const addressOf = (place: number): number => NUMBERS + place * NUMBER_BYTES_MAX;
  function write(address: number, number: Uint8Array): void {
    const start = address / 4;
    memory.fill(0, start, start + length + AT_ONCE);
    writeDigits(memory, start, number);
  }

  memory[INVERSE / 4] = DIGIT - Number(inverse(modulus % BigInt(DIGIT), BigInt(DIGIT)));
  write(MODULUS, numberBytes(modulus, bytes));
  write(addressOf(ONE), Uint8Array.of(1));
  const product = (left: number, right: number, to: number): void =>
    multiply(addressOf(left), addressOf(right), addressOf(to), 4 * length);
  return {
    radix: (1n << BigInt(DIGIT_BITS * length)) % modulus,
    multiply: product,
    put: (place, number) => write(addressOf(place), number),
    take(place) {
      product(place, ONE, place);
      const start = addressOf(place) / 4;
      let value = 0n;
      for (let at = length - 1; at >= 0; at -= 1) value = (value << BigInt(DIGIT_BITS)) | BigInt(memory[start + at]!);
      return value % modulus;
    },
  };
}
