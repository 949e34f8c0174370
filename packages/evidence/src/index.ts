export type { AuditClaims, Claims, Measurement, ReceiptFinding, Root } from './claims.ts';
export { NOTICES } from './claims.ts';
export { detection } from './detection.ts';
export { verdictOf } from './verdict.ts';
export { type Flaw, type Verified, verifyReceipt } from './verify/receipt.ts';
