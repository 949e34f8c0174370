export { asSigned, withInclusion } from './batch.ts';
export type { AuditClaims, Claims, Measurement, ReceiptFinding } from './claims.ts';
export { NOTICES } from './claims.ts';
export { detection } from './detection.ts';
export { measurementDigest } from './measurement-digest.ts';
export type { OfferClaims } from './offer-claims.ts';
export {
  BOOT_REGISTERS,
  decodeOfferPolicy,
  encodeOfferPolicy,
  type KnownMachine,
  measurementText,
  type OfferPolicy,
} from './offer-policy.ts';
export { type CertifiedCounter, type CountedReceipt, type CounterValue, countersGoUp } from './tpm-counter.ts';
export { decodeQuote, encodeQuote, type Quoted, type TpmQuote, verifyQuote } from './tpm-quote.ts';
export { verdictOf } from './verdict.ts';
export type { Batch } from './verify/inclusion.ts';
export { type OfferQuestion, type OfferVerdict, readOffer, verifyOffer } from './verify/offer.ts';
export { type Flaw, type Verified, verifyReceipt } from './verify/receipt.ts';
