const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Of the longest modulus, and more. */
const SHORT_BYTES = 576;
/** Terms that are raised to their powers at once. */
const TERMS_MAX = 1024;

// BigInt takes a time that depends on the values: everything here is for numbers that may be known. What may not goes
// through `Primitives` or arithmetic/secret-exponent.ts.

/** A number from its bytes, most significant first. Below `SHORT_BYTES`, by words takes half the time of a text. */
export function numberFrom(bytes: Uint8Array): bigint {
  if (bytes.length <= SHORT_BYTES) return numberFromWords(bytes);
  let text = '0x0';
  for (const byte of bytes) text += HEX[byte]!;
  return BigInt(text);
}

function numberFromWords(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const head = bytes.length % 8;
  let value = 0n;
  for (let at = 0; at < head; at += 1) value = (value << 8n) | BigInt(bytes[at]!);
  for (let at = head; at < bytes.length; at += 8) value = (value << 64n) | view.getBigUint64(at);
  return value;
}

/** A number below 256^`length` in that many bytes, most significant first. */
export function numberBytes(value: bigint, length: number): Uint8Array {
  const text = value.toString(16).padStart(2 * length, '0');
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += 1)
    out[at] = 16 * hexDigit(text.charCodeAt(2 * at)) + hexDigit(text.charCodeAt(2 * at + 1));
  return out;
}

/** Of 0 to 9 or a to f. */
const hexDigit = (code: number): number => (code < 58 ? code - 48 : code - 87);

export function gcd(left: bigint, right: bigint): bigint {
  let [a, b] = [left, right];
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** The inverse of `value` modulo `modulus`, or undefined if they share a factor. */
export function inverse(value: bigint, modulus: bigint): bigint | undefined {
  let [a, b] = [modulus, value % modulus];
  let [x, y] = [0n, 1n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  if (a !== 1n) return undefined;
  return x < 0n ? x + modulus : x;
}

/** A product of powers that is taken term by term. */
export interface ProductOfPowers {
  multiply(base: bigint, exponent: bigint): void;
  /** Of all terms until now. */
  product(): bigint;
}

/** Powers of many bases with short exponents, in constant memory: each thousand terms share their squarings. */
export function productOfPowers(modulus: bigint): ProductOfPowers {
  let product = 1n;
  let bases: bigint[] = [];
  let exponents: bigint[] = [];

  function flush(): void {
    if (bases.length > 0) product = (product * bucketProduct(modulus, bases, exponents)) % modulus;
    bases = [];
    exponents = [];
  }
  return {
    multiply(base, exponent) {
      bases.push(base);
      exponents.push(exponent);
      if (bases.length === TERMS_MAX) flush();
    },
    product() {
      flush();
      return product;
    },
  };
}

/** Windows of a few bits: bases with equal digits are multiplied into one bucket (Pippenger, FOCS 1976). */
function bucketProduct(modulus: bigint, bases: readonly bigint[], exponents: readonly bigint[]): bigint {
  const bits = Math.max(...exponents.map((exponent) => exponent.toString(2).length));
  const window = windowBits(bases.length, bits);
  const digits = exponents.map((exponent) => digitsOf(exponent, window));
  let product = 1n;
  for (let place = Math.ceil(bits / window) - 1; place >= 0; place -= 1) {
    for (let bit = 0; bit < window; bit += 1) product = (product * product) % modulus;
    const buckets = new Array<bigint | undefined>(2 ** window);
    for (const [at, base] of bases.entries()) {
      const digit = digits[at]![place] ?? 0;
      if (digit > 0) buckets[digit] = times(buckets[digit], base, modulus);
    }
    // Bucket k counts k times: it is in `running` for k steps.
    let running: bigint | undefined;
    for (let digit = buckets.length - 1; digit > 0; digit -= 1) {
      running = times(running, buckets[digit], modulus);
      if (running !== undefined) product = (product * running) % modulus;
    }
  }
  return product;
}

function times(left: bigint | undefined, right: bigint | undefined, modulus: bigint): bigint | undefined {
  return left === undefined || right === undefined ? (left ?? right) : (left * right) % modulus;
}

/** The width with the fewest multiplications. */
function windowBits(terms: number, bits: number): number {
  const cost = (width: number) => Math.ceil(bits / width) * (terms + 2 * 2 ** width);
  return [1, 2, 3, 4, 5, 6, 7, 8].reduce((best, width) => (cost(width) < cost(best) ? width : best));
}

/** Digits of `window` bits, least significant first. */
function digitsOf(exponent: bigint, window: number): readonly number[] {
  const text = exponent.toString(2);
  const digits: number[] = [];
  for (let end = text.length; end > 0; end -= window)
    digits.push(Number.parseInt(text.slice(Math.max(0, end - window), end), 2));
  return digits;
}
