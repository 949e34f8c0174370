/**
 * What the interpreter calls when it cannot go on alone; the module imports these from "hart". Every one finds the
 * instruction through HART.ip. A result of `reload` means that pc, privilege or translations changed (a trap, mostly).
 */
export interface SlowPath {
  /** Fills the record at HART.ip. */
  decode(): void;
  /** Decodes the instruction that straddles two pages into HART.straddle. */
  straddle(): number;
  /** Makes HART.pc's page executable through the fetch TLB. */
  fetchMiss(): number;
  /** Fills the read TLB (`retry`), or loads into HART.slowValue (`done`). */
  loadSlow(addressLow: number, addressHigh: number, bytes: number): number;
  /** Fills the write TLB (`retry`), or stores HART.slowValue (`done`). */
  storeSlow(addressLow: number, addressHigh: number, bytes: number): number;
  /** Fills the TLB for an atomic access, or traps; `write` is 0 for LR. */
  atomicSlow(addressLow: number, addressHigh: number, bytes: number, write: number): number;
  illegal(): number;
  csr(write: number, immediate: number): number;
  system(index: number): number;
}

export const RESULT = {
  reload: 0,
  retry: 1,
  done: 2,
  /** Bytes of records of a 4-byte instruction. */ next: 16,
} as const;

/** Order of the privileged operations in `system`. */
export const SYSTEM_OPERATIONS = [
  'ecall',
  'ebreak',
  'mret',
  'sret',
  'wfi',
  'fence.i',
  'sfence.vma',
  'sfence.order',
  'cbo.zero',
  'cbo.inval',
  'cbo.clean',
] as const;

export const CSR_WRITES = ['rw', 'rs', 'rc'] as const;
