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
export { makeBatch } from './batch.ts';
export { leafHash, merkleTree } from './merkle-tree.ts';
export { makeReceipt } from './receipt.ts';
