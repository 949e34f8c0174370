import type { Primitives } from '@cloister/crypto';

/** Opens the same key again without work. The last one stays in memory as long as the scheme does. */
export function remembered<T>(
  primitives: Primitives,
  open: (encoded: Uint8Array) => Promise<T>,
): (encoded: Uint8Array) => Promise<T> {
  let last: { readonly encoded: Uint8Array; readonly opened: T } | undefined;
  return async (encoded) => {
    if (last === undefined || !primitives.equal(last.encoded, encoded)) {
      const copy = encoded.slice();
      last = { encoded: copy, opened: await open(copy) };
    }
    return last.opened;
  };
}
