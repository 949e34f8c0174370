import { type KeyOffer, keyOffer } from '@cloister/protocol';
import { sha256 } from '@noble/hashes/sha2.js';
import { decodeSign1 } from '../cose-sign1.ts';
import { hex, unhex } from '../hex.ts';
import { measurementDigest } from '../measurement-digest.ts';
import { decodeOfferClaims, type OfferClaims } from '../offer-claims.ts';
import { BOOT_REGISTERS, type KnownMachine, measurementText, type OfferPolicy } from '../offer-policy.ts';
import { RECEIPT_TYPE } from '../receipt-type.ts';
import { decodeQuote, verifyQuote } from '../tpm-quote.ts';
import { isSigned } from './is-signed.ts';

/** What an owner knows who is shown an offer. */
export interface OfferQuestion {
  readonly policy: OfferPolicy;
  /** The nonce that he has drawn, and how long ago, in milliseconds by his own clock: no offer for it is older. */
  readonly nonce: Uint8Array;
  readonly age: number;
  /** The SHA-256 of the key that the offer must be signed with, in hexadecimal. */
  readonly fingerprint: string | undefined;
}

export type OfferVerdict =
  | {
      readonly ok: true;
      readonly claims: OfferClaims;
      /** SHA-256 of the evidence: what an envelope is bound to. */
      readonly evidence: Uint8Array;
      readonly fingerprint: string;
    }
  /** `why` continues "This offer is refused:". */
  | { readonly ok: false; readonly why: string };

/**
 * Whether an owner may give keys to the enclave that has made an offer: its signature, its nonce, its age, its root, what runs,
 * and whose word that is. With the root "tpm" that is the machine's, whose quote covers the evidence and, in register 23, the
 * measurement. With the root "software" nobody vouches for the evidence but its own key, so that the owner must
 * know the key.
 */
export function verifyOffer(file: Uint8Array, { policy, nonce, age, fingerprint }: OfferQuestion): OfferVerdict {
  const refused = (why: string): OfferVerdict => ({ ok: false, why });
  const read = readOffer(file);
  if (typeof read === 'string') return refused(read);
  const { offer, claims, fingerprint: kid } = read;
  if (hex(claims.nonce) !== hex(nonce))
    return refused('it answers another nonce than the one that waits for its offer');
  if (age < 0 || age > policy.maxAge * 1000)
    return refused(
      `its nonce was drawn ${Math.round(age / 1000)} s ago, and the policy allows ${policy.maxAge} s (draw another one)`,
    );
  if (!policy.roots.includes(claims.root))
    return refused(`its root is "${claims.root}", and the policy allows ${policy.roots.join(', ') || 'none'}`);
  const unlike = unlikeAll(claims, policy);
  if (unlike !== undefined) return refused(unlike);
  if (fingerprint !== undefined && fingerprint !== kid)
    return refused(`it is signed with the key ${kid}, and not with the one that was given`);
  const unquoted = claims.root === 'tpm' ? unlikeMachines(offer, claims, policy.machines) : undefined;
  if (unquoted !== undefined) return refused(unquoted);
  if (claims.root === 'software' && fingerprint === undefined)
    return refused('its root is "software", so that nobody says whose key it is signed with, and none was given');
  return { ok: true, claims, evidence: sha256(offer.evidence), fingerprint: kid };
}

/** What an offer says that is signed with the key that it names; otherwise why it is none. */
export function readOffer(
  file: Uint8Array,
): { readonly offer: KeyOffer; readonly claims: OfferClaims; readonly fingerprint: string } | string {
  const offer = keyOffer.decode(file);
  const message = offer && decodeSign1(offer.evidence);
  const claims = message && message.contentType === RECEIPT_TYPE ? decodeOfferClaims(message.payload) : undefined;
  if (offer === undefined || message === undefined || claims === undefined) return 'it is none, or was damaged';
  const fingerprint = hex(sha256(claims.publicKey));
  return fingerprint === hex(message.kid) && isSigned(message.signature, message.signedBytes, claims.publicKey)
    ? { offer, claims, fingerprint }
    : 'its signature is wrong';
}

/** In what the enclave differs from the one of the policy that is nearest to it. */
function unlikeAll({ measurement }: OfferClaims, { measurements }: OfferPolicy): string | undefined {
  const found = measurementText(measurement);
  const names = Object.keys(found) as (keyof typeof found)[];
  const differing = measurements.map((allowed) => names.filter((name) => allowed[name] !== found[name]));
  const [nearest] = differing.sort((one, other) => one.length - other.length);
  if (nearest === undefined) return 'the policy allows no measurement';
  if (nearest.length === 0) return undefined;
  const said = nearest.map((name) => `${name} ${found[name].slice(0, 64)}`).join(', ');
  return `what was measured is not what the policy allows (${said})`;
}

/** Why no machine of the policy vouches for the evidence. */
function unlikeMachines(offer: KeyOffer, claims: OfferClaims, machines: readonly KnownMachine[]): string | undefined {
  const quote = decodeQuote(offer.quote);
  const quoted = quote && verifyQuote(quote, offer.evidence);
  if (quoted === undefined) return 'its quote is none, or is not for it';
  const key = hex(quoted.attestationKey);
  const known = machines.filter(({ attestationKey }) => attestationKey === key);
  if (known.length === 0) return `its TPM has the attestation key ${key}, which the policy does not name`;
  if (quoted.registers !== `sha256:${BOOT_REGISTERS.join(',')},23`)
    return `its quote is over other registers (${quoted.registers.slice(0, 64)})`;
  const extended = sha256(joined([new Uint8Array(32), measurementDigest(claims.measurement)]));
  const digests = known.map(({ registers }) =>
    hex(sha256(joined([...BOOT_REGISTERS.map((name) => unhex(registers[name])), extended]))),
  );
  return digests.includes(hex(quoted.pcrDigest))
    ? undefined
    : 'its TPM has measured another boot than the policy names, or another enclave';
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(32 * parts.length);
  for (const [at, part] of parts.entries()) out.set(part, 32 * at);
  return out;
}
