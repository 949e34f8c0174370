// Long sums of blocks, which may be secret. Numbers are arrays of small digits in doubles, which hold products of them exactly
// up to 2^53; no loop and no branch depends on a value, as it would in BigInt.

const DIGIT_BITS = 16;
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
      if (terms % TERMS_UNTIL_CARRY === 0) carry(sum);
    },
    bytes() {
      carry(sum);
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

function carry(sum: Float64Array): void {
  const base = 2 ** DIGIT_BITS;
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
