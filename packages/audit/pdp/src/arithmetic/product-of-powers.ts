import { numberBytes, numberFrom } from './modular.ts';
import { type Montgomery, montgomery, PLACES } from './montgomery.ts';

/** Two places are for the result, and for what makes R good. */
const TERMS_MAX = PLACES - 2;

/**
 * The product of many bases to the powers of short exponents, modulo an odd number of at most 4096 bits, for what may be known:
 * its time depends on the exponents. Numbers are bytes, most significant first; a base has at most 16 more than the modulus.
 */
export function productOfPowers(
  modulus: bigint,
  bases: readonly Uint8Array[],
  exponents: readonly Uint8Array[],
): bigint {
  let product = 1n % modulus;
  for (let from = 0; from < bases.length; from += TERMS_MAX) {
    const some = bases.slice(from, from + TERMS_MAX);
    const powers = exponents.slice(from, from + TERMS_MAX).map(numberFrom);
    product = (product * productOf(modulus, some, powers)) % modulus;
  }
  return product;
}

function productOf(modulus: bigint, bases: readonly Uint8Array[], exponents: readonly bigint[]): bigint {
  const numbers = montgomery(modulus);
  const { put, take, radix } = numbers;
  const whole = (value: bigint): Uint8Array => numberBytes(value, Math.ceil(modulus.toString(16).length / 2));
  for (const [place, base] of bases.entries()) put(place, base);
  // Each base counts as divided by R: R to the sum of the exponents makes that good.
  const [last, result] = [bases.length, bases.length + 1];
  put(last, whole((radix * radix) % modulus));
  put(result, whole(radix));
  raise(numbers, [...exponents, exponents.reduce((sum, exponent) => sum + exponent, 0n)], result);
  return take(result);
}

/**
 * Multiplies what is at `result` by the numbers at 0, 1, … to the powers of their exponents: x^a y^b = x^(a-b) (xy)^b for the two
 * largest exponents, whose difference is small if there are many (Bos and Coster; de Rooij, EUROCRYPT 1994). 460 terms
 * of 128 bits take 18 multiplications each, and 25 with buckets for their digits (Pippenger).
 */
function raise({ multiply }: Montgomery, exponents: bigint[], result: number): void {
  // A heap, in which none is larger than the one at half its position. Sizes are rounded, as doubles, which compare faster.
  const sizes = Float64Array.from(exponents, Number);
  const heap = Uint32Array.from(exponents, (_, place) => place).sort((left, right) => sizes[right]! - sizes[left]!);
  const end = heap.length;
  function largerBelow(position: number): number {
    const right = 2 * position + 2;
    return right < end && sizes[heap[right]!]! > sizes[heap[right - 1]!]! ? right : right - 1;
  }
  function sink(position: number): void {
    const place = heap[position]!;
    const size = sizes[place]!;
    let to = position;
    for (let below = largerBelow(to); below < end && sizes[heap[below]!]! > size; below = largerBelow(to)) {
      heap[to] = heap[below]!;
      to = below;
    }
    heap[to] = place;
  }

  for (;;) {
    let [first, second] = [0, largerBelow(0)];
    let a = exponents[heap[0]!]!;
    let b = second < end ? exponents[heap[second]!]! : 0n;
    if (a < b) [first, second, a, b] = [second, first, b, a];
    if (a === 0n) return;
    const x = heap[first]!;
    const rest = a - b;
    if (rest <= b) {
      multiply(x, heap[second]!, heap[second]!);
      exponents[x] = rest;
    } else {
      if ((a & 1n) === 1n) multiply(x, result, result);
      multiply(x, x, x);
      exponents[x] = a >> 1n;
    }
    sizes[x] = Number(exponents[x]);
    sink(first);
  }
}
