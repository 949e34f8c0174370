export { BATCH_LEAVES } from '../batch.ts';
export {
  type AuditClaims,
  type Claims,
  encodeClaims,
  FOUND_MAX,
  isMeasurement,
  type Measurement,
  type ReceiptFinding,
} from '../claims.ts';
export type { OfferClaims } from '../offer-claims.ts';
export { makeBatch } from './batch.ts';
export { leafHash, merkleTree } from './merkle-tree.ts';
export { makeOffer } from './offer.ts';
export { makeReceipt } from './receipt.ts';
