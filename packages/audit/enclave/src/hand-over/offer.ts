import { type Primitives, x25519Public } from '@cloister/crypto';
import { type Measurement, makeOffer } from '@cloister/evidence/make';
import { bytes, decodeRecord, encodeRecord } from '@cloister/pdp';
import { AUDIT_ROOTS, type AuditRoot, type Check, oneOf, record, type ToEnclave, text } from '@cloister/protocol';
import type { Client } from '../conversation.ts';
import { refuse } from '../failure.ts';
import { createSeal } from '../state/seal.ts';

/** What an enclave must know again to take up its offer; it leaves sealed, since a process ends before its owner answers. */
export interface Offer {
  /** SHA-256 of its evidence. */
  readonly evidence: Uint8Array;
  readonly nonce: Uint8Array;
  readonly root: AuditRoot;
  /** The second store that will keep the counter, or empty. */
  readonly counterAt: string;
  /** Drawn for this offer alone (X25519). */
  readonly recipientSecret: Uint8Array;
  /** What it is signed with, and what the receipts will be (Ed25519). */
  readonly signingKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

const isOffer: Check<Offer> = record({
  ...{ evidence: bytes(32), nonce: bytes(32), root: oneOf(...AUDIT_ROOTS), counterAt: text(2048) },
  ...{ recipientSecret: bytes(32), signingKey: bytes(32), publicKey: bytes(32) },
});

type Request = Extract<ToEnclave, { readonly kind: 'offer' }>;

/** Draws keys for an offer, and says what this enclave is. @throws Refusal `request` */
export async function makeKeyOffer(
  primitives: Primitives,
  { key, root, counterAt, nonce }: Request,
  measurement: Measurement,
  now: number,
  client: Client,
): Promise<void> {
  const recipientSecret = primitives.random(32);
  const { secret: signingKey, public: publicKey } = await primitives.ed25519.generate();
  const recipient = x25519Public(recipientSecret);
  const evidence = await makeOffer(
    { iat: Math.floor(now / 1000), root, publicKey, measurement, nonce, recipient },
    await primitives.sha256(publicKey),
    (message) => primitives.ed25519.sign(signingKey, message),
  );
  const offer: Offer = {
    ...{ evidence: await primitives.sha256(evidence), nonce, root, counterAt, recipientSecret, signingKey, publicKey },
  };
  if (!isOffer(offer)) refuse('request', 'The name of the counter is too long');
  const seal = await createSeal(primitives, key, 'offer');
  await client.tell({ kind: 'offered', evidence, sealed: seal.seal(encodeRecord(offer)) });
}

/** @throws Refusal `key`, `state` */
export async function openKeyOffer(primitives: Primitives, key: Uint8Array, sealed: Uint8Array): Promise<Offer> {
  const seal = await createSeal(primitives, key, 'offer');
  return decodeRecord(isOffer, seal.open(sealed)) ?? refuse('state', 'This offer is malformed');
}
