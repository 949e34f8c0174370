import { decodeRecord } from '@cloister/pdp';
import { anyObject, type Check } from '@cloister/protocol';

const KEY: Check<{ readonly scheme: string }> = (value): value is { readonly scheme: string } =>
  anyObject(value) && typeof (value as { readonly scheme?: unknown }).scheme === 'string';

/** The scheme that a key says it is of, or undefined for what is no key. */
export const keyScheme = (key: Uint8Array): string | undefined => decodeRecord(KEY, key)?.scheme;
