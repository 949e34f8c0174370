export {
  AuditError,
  type AuditProgress,
  type AuditResult,
  type AuditStatus,
  attestationKeyOf,
  auditNames,
  auditProofs,
  auditReceipts,
  auditWithKey,
  type BackupRepository,
  costs,
  DEFAULT_PRICES,
  fingerprintOf,
  hungCalls,
  type KeptReceipt,
  type KeyHome,
  offerNames,
  type Prices,
  policyOf,
  prometheusText,
  SAMPLE,
  type Synced,
  type Unlock,
} from '@cloister/auditor';
export type { CompartmentFacts, Inspected, LaunchOptions, Listed } from '@cloister/launcher';
export { measureEnclave, newMachineId, runtimeDirectory, sandboxLevel } from '@cloister/launcher';
export type { ProofsVerdict, ProvenClaims, Selection } from '@cloister/pdp';
export { type AuditSettings, audits } from './audits.ts';
export { parseDisk } from './disks.ts';
export { CloisterError, type RunErrorCode } from './failure.ts';
export { readInput, readKernel } from './kernels.ts';
export { lastLines } from './machine.ts';
export { exitCounts, machines } from './machines.ts';
export {
  generateKeys,
  makeChallenge,
  type Progress,
  proveFile,
  STEP_FILES,
  schemeFacts,
  tagFile,
  verifyProof,
} from './pdp-steps.ts';
export { serveProver } from './prover.ts';
export { hostImages, type ImageSettings, type Run, type RunOptions, runImage } from './run-image.ts';
export { type KernelRun, type KernelRunOptions, runKernel } from './run-kernel.ts';
export { type CommandOptions, type CommandResult, Sandbox, type SandboxOptions } from './sandbox.ts';
export { MEMORY_DEFAULT, parseDuration, parseMemory } from './sizes.ts';
export { verifyProofs } from './verify-proofs.ts';
