export {
  type AuditClaims,
  type Claims,
  encodeClaims,
  FOUND_MAX,
  isMeasurement,
  type Measurement,
  type ReceiptFinding,
} from '../claims.ts';
export { makeReceipt } from './receipt.ts';
