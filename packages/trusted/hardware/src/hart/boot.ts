import { HART } from '../layout.ts';
import { SLOT } from './csr-slots.ts';
import { type Hart, updateContexts, updatePmp } from './hart.ts';
import { PRIVILEGE, setWide, setWord, setX } from './state.ts';

/** Where a hart begins, and its first two arguments: hart id and device tree (Linux's RISC-V boot protocol). */
export interface Entry {
  /** Guest physical addresses. */
  readonly pc: number;
  readonly a0: number;
  readonly a1: number;
  /** Third argument, for firmware: address of fw_dynamic_info; else 0. */
  readonly a2: number;
  /** The entry is firmware in M-mode; else the machine answers SBI calls itself. */
  readonly firmware: boolean;
}

/**
 * Puts a hart into the state in which firmware starts (M-mode, reset), or, when the machine answers SBI calls itself,
 * into the one in which SBI firmware hands over to the kernel (SBI 2.0 §2): S-mode without translation, everything
 * delegated that a supervisor handles, all of memory open in PMP, counters and cache-block operations allowed, Sstc on.
 */
export function enterBoot(hart: Hart, entry: Entry): void {
  const { state } = hart;
  setWide(state, HART.pc, entry.pc | 0, Math.floor(entry.pc / 2 ** 32));
  setX(state, 10, BigInt(entry.a0));
  setX(state, 11, BigInt(entry.a1));
  setX(state, 12, BigInt(entry.a2));
  hart.builtInSbi = !entry.firmware;
  if (entry.firmware) return;
  setWord(state, HART.privilege, PRIVILEGE.S);
  // All exceptions but calls from S-mode, which are the SBI; all supervisor interrupts.
  setWide(state, SLOT.medeleg, 0xb3ff & ~(1 << 9), 0);
  setWide(state, SLOT.mideleg, 0x222, 0);
  setWide(state, SLOT.mcounteren, -1, 0);
  // OpenSBI leaves these three to user mode (sbi_hart.c), and Linux 6.12 leaves them so: its vDSO reads `time`.
  setWide(state, SLOT.scounteren, 7, 0);
  setWide(state, SLOT.menvcfg, 0xf0, 0xc000_0000 | 0);
  // Entry 0: NAPOT over the whole address space, read, write, execute.
  setWide(state, SLOT.pmpaddr0, -1, 0x003f_ffff);
  setWide(state, SLOT.pmpcfg0, 0x1f, 0);
  updatePmp(hart);
  updateContexts(hart);
}
