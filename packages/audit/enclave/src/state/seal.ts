import { aes256Gcm, NONCE_BYTES, type Primitives, TAG_BYTES } from '@cloister/crypto';
import { refuse } from '../failure.ts';

/** "CLAUDIT" and the version of the format. */
const MAGIC = Uint8Array.of(0x43, 0x4c, 0x41, 0x55, 0x44, 0x49, 0x54, 1);
const HEADER_BYTES = MAGIC.length + NONCE_BYTES;

/** What a state's parts are sealed with: encrypted, authenticated, and each kind and state under a key of its own. */
export interface Seal {
  seal(plain: Uint8Array): Uint8Array;
  /** @throws Refusal `key` for anything that this seal did not make, `state` for a format that is not known */
  open(sealed: Uint8Array): Uint8Array;
}

/** @param purpose what is sealed, such as "head" */
export async function createSeal(primitives: Primitives, key: Uint8Array, purpose: string): Promise<Seal> {
  const cipher = aes256Gcm(await primitives.hmacSha256(key)(new TextEncoder().encode(`cloister audit ${purpose}`)));
  return {
    seal(plain) {
      const out = new Uint8Array(HEADER_BYTES + plain.length + TAG_BYTES);
      // Random nonces of 96 bits under one key: good for 2^32 of them (NIST SP 800-38D, 8.3), and one is used a commit.
      const nonce = primitives.random(NONCE_BYTES);
      out.set(MAGIC);
      out.set(nonce, MAGIC.length);
      cipher.seal(nonce, plain, out.subarray(HEADER_BYTES));
      return out;
    },
    open(sealed) {
      if (sealed.length < HEADER_BYTES || MAGIC.some((byte, at) => at < 7 && sealed[at] !== byte))
        refuse('state', `Not the ${purpose} of an audit's state`);
      const version = sealed[7]!;
      if (version !== 1) refuse('state', `A state of format ${version}: it needs a newer Cloister`);
      const plain = cipher.open(sealed.subarray(MAGIC.length, HEADER_BYTES), sealed.subarray(HEADER_BYTES));
      return plain ?? refuse('key', `The ${purpose} was not sealed under this key, or is damaged`);
    },
  };
}
