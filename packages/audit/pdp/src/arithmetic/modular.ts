const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Of the longest modulus, and more. */
const SHORT_BYTES = 576;

// BigInt takes a time that depends on the values: everything here is for numbers that may be known. What may not goes
// through `Primitives` or arithmetic/reduce-by.ts.

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
