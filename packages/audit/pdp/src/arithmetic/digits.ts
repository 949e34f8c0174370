/**
 * Numbers as digits of 27 bits, least significant first, for WebAssembly's vectors: hundreds of products of two add up in 64 bits.
 * What is done depends on lengths, and on no value.
 */
export const DIGIT_BITS = 27;
export const DIGIT_MASK = 2 ** DIGIT_BITS - 1;

/** How many digits so many bytes have. */
export const digitsIn = (bytes: number): number => Math.ceil((8 * bytes) / DIGIT_BITS);

/** Writes the digits of a number, of which the most significant byte comes first, to `start` and after. */
export function writeDigits(to: Uint32Array | Int32Array, start: number, bytes: Uint8Array): void {
  let [digit, bits, at] = [0, 0, start];
  for (let from = bytes.length - 1; from >= 0; from -= 1) {
    const byte = bytes[from]!;
    digit |= (byte << bits) & DIGIT_MASK;
    bits += 8;
    if (bits < DIGIT_BITS) continue;
    to[at] = digit;
    at += 1;
    bits -= DIGIT_BITS;
    digit = byte >>> (8 - bits);
  }
  if (bits > 0) to[at] = digit;
}

/** The last `length` bytes of a number from its digits. */
export function bytesOfDigits(digits: Uint32Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) {
    const place = Math.floor((8 * at) / DIGIT_BITS);
    const shift = (8 * at) % DIGIT_BITS;
    // Of a byte on the border of two digits, the next one has the upper bits.
    const next = shift > DIGIT_BITS - 8 ? (digits[place + 1] ?? 0) << (DIGIT_BITS - shift) : 0;
    out[length - 1 - at] = ((digits[place] ?? 0) >>> shift) | next;
  }
  return out;
}
