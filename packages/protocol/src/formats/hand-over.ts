import { type MessageOf, type MessageSet, messageSet } from '../message.ts';

/**
 * The two files by which an audit's keys go from one enclave to another: the offer of the one that takes them, and the
 * envelope of the one that gives them. Each is one message, with the one decoder that all messages have.
 */
const HASH = { scalar: 'bytes', from: 32, to: 32 } as const;
const EVIDENCE = { scalar: 'bytes', from: 1, to: 64 * 1024 } as const;

/** No file of the two is longer. */
export const HAND_OVER_FILE_BYTES_MAX = 160 * 1024;
/** The transit key and the secret behind the owner's nonce, with the tag of the AEAD. */
const SEALED_KEYS_BYTES = 32 + 32 + 16;

const OFFER = {
  /** `evidence`: COSE_Sign1. `quote`: what a TPM says of it; empty for the root "software". */
  offer: { code: 0xd1, fields: { evidence: EVIDENCE, quote: { ...EVIDENCE, from: 0 } } },
} as const;

const ENVELOPE = {
  /**
   * Which offer it is for, which state of which scheme it opens, and the hash of that state's sealed head: all of it is
   * bound by the seal. `enc` and `sealed` are HPKE's (RFC 9180).
   */
  envelope: {
    code: 0xd2,
    fields: {
      evidence: HASH,
      state: HASH,
      scheme: 'text',
      head: HASH,
      enc: HASH,
      sealed: { scalar: 'bytes', from: SEALED_KEYS_BYTES, to: SEALED_KEYS_BYTES },
    },
  },
} as const;

export type KeyOffer = MessageOf<typeof OFFER>;
export type KeyEnvelope = MessageOf<typeof ENVELOPE>;
export const keyOffer: MessageSet<KeyOffer> = messageSet(OFFER);
export const keyEnvelope: MessageSet<KeyEnvelope> = messageSet(ENVELOPE);
