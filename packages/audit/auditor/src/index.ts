export { type AddOptions, addStore, type Synced, type SyncOptions, syncStore } from './add.ts';
export { AUDIT_ERRORS, AuditError, type AuditErrorCode } from './audit-error.ts';
export { detection } from './detection.ts';
export type { AuditContext, AuditProgress } from './open-audit.ts';
export { auditReceipts, auditWithKey, type KeptReceipt } from './receipts.ts';
export { removeAudit } from './remove.ts';
export { type AuditResult, type RunOptions, runAudit } from './run-audit.ts';
export { auditNames, fingerprintOf } from './state-directory.ts';
export { type AuditStatus, allAudits, auditStatus } from './status.ts';
