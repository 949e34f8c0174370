import { AUDIT_ROOTS, type AuditRoot, oneOf, whole } from '@cloister/protocol';
import { encode } from 'cborg';
import {
  asRecords,
  CNF,
  confirmation,
  confirmed,
  EAT_PROFILE,
  hash,
  IAT,
  isMeasurement,
  MEASUREMENTS,
  type Measurement,
  NOTICES,
} from './claims.ts';
import { decodeStrict } from './cose-sign1.ts';

/** What an enclave says that offers to take an audit's keys. */
export interface OfferClaims {
  /** Seconds since 1970, by the clock of whoever runs it. */
  readonly iat: number;
  readonly root: AuditRoot;
  /** What the offer is signed with, and later the receipts of what was taken over (Ed25519). */
  readonly publicKey: Uint8Array;
  readonly measurement: Measurement;
  /** 32 bytes that the owner has drawn for this offer. */
  readonly nonce: Uint8Array;
  /** Whom keys are sealed to: an X25519 key that was drawn for this offer (HPKE, RFC 9180). */
  readonly recipient: Uint8Array;
}

/** RFC 9711, 4.1. */
const EAT_NONCE = 10;
/** Apart from receipts', so that neither ever passes for the other. */
const PROFILE = 'tag:cloister.invalid,2026:key-offer';

export function encodeOfferClaims({ iat, root, publicKey, measurement, nonce, recipient }: OfferClaims): Uint8Array {
  return encode(
    new Map<number | string, unknown>([
      [IAT, iat],
      [CNF, confirmation(publicKey)],
      [EAT_NONCE, nonce],
      [EAT_PROFILE, PROFILE],
      [MEASUREMENTS, measurement],
      ['root', root],
      ['notice', NOTICES[root]],
      ['recipient', recipient],
    ]),
  );
}

/** Undefined for anything that is not exactly such claims. */
export function decodeOfferClaims(payload: Uint8Array): OfferClaims | undefined {
  const claims = decodeStrict(payload);
  if (!(claims instanceof Map) || claims.size !== 8 || claims.get(EAT_PROFILE) !== PROFILE) return undefined;
  const [iat, root, publicKey] = [claims.get(IAT), claims.get('root'), confirmed(claims.get(CNF))];
  const [nonce, recipient] = [claims.get(EAT_NONCE), claims.get('recipient')];
  const measurement = asRecords(claims.get(MEASUREMENTS));
  if (!whole(Number.MAX_SAFE_INTEGER)(iat) || !oneOf(...AUDIT_ROOTS)(root) || claims.get('notice') !== NOTICES[root])
    return undefined;
  if (publicKey === undefined || !hash(nonce) || !hash(recipient) || !isMeasurement(measurement)) return undefined;
  return { iat, root, publicKey, measurement, nonce, recipient };
}
