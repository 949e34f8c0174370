import { hpkeOpen, hpkeSeal, type Primitives } from '@cloister/crypto';
import { encodeRecord } from '@cloister/pdp';
import { type KeyEnvelope, keyEnvelope } from '@cloister/protocol';

/** What an envelope is bound to. */
type Bound = Omit<KeyEnvelope, 'kind' | 'enc' | 'sealed'>;

/** What is in it. */
interface Contents {
  /** What head and pages are sealed under on their way. */
  readonly transitKey: Uint8Array;
  /** What the owner's nonce is the hash of: nobody else knows it, so that nobody else can have made the envelope. */
  readonly secret: Uint8Array;
}

const KEY_BYTES = 32;

/**
 * Keys for the enclave that has made an offer, by HPKE: one offer, one state, one head. That the nonce stands in the offer's
 * evidence, and the secret behind it in the envelope, says who has sealed it, which HPKE's base mode does not.
 * @returns undefined for a recipient that is no key
 */
export function sealEnvelope(
  primitives: Primitives,
  recipient: Uint8Array,
  bound: Bound,
  { transitKey, secret }: Contents,
): Uint8Array | undefined {
  const plain = new Uint8Array(2 * KEY_BYTES);
  plain.set(transitKey);
  plain.set(secret, KEY_BYTES);
  const sealed = hpkeSeal(recipient, primitives.random(KEY_BYTES), plain, contextOf(bound));
  return sealed && keyEnvelope.encode({ kind: 'envelope', ...bound, ...sealed });
}

/** Undefined for an envelope that was not sealed for the holder of this secret, or was changed. */
export function openEnvelope(recipientSecret: Uint8Array, envelope: KeyEnvelope): Contents | undefined {
  const plain = hpkeOpen(recipientSecret, envelope, contextOf(envelope));
  return plain && { transitKey: plain.subarray(0, KEY_BYTES), secret: plain.subarray(KEY_BYTES) };
}

const contextOf = ({ evidence, state, scheme, head }: Bound) => ({
  info: encodeRecord({ purpose: 'cloister audit hand-over', evidence }),
  aad: encodeRecord({ state, scheme, head }),
});
