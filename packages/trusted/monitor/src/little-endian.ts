/** The number of `width` bytes at `at`; bytes beyond the end are 0. Beyond 2^53 it is rounded. */
export function numberAt(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i -= 1) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

/** A number within a structure: where it is, its bytes, and whatever else is said of it. */
export type Field = readonly [at: number, width: number, value: number, ...unknown[]];

/** A structure of so many bytes with these numbers in it, and zeros. */
export function structureOf(length: number, fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const [at, width, value] of fields)
    for (let i = 0; i < width; i += 1) bytes[at + i] = Math.floor(value / 2 ** (8 * i));
  return bytes;
}
