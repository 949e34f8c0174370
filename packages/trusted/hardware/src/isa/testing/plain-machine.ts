import { type EvaluatorHart, type EvaluatorMachine, raiseTrap, TRAP } from '../evaluate-machine.ts';

/**
 * The least machine that the evaluator can run on: M-mode, one window of memory, a few CSRs. A system instruction that
 * only concerns caches or translations does nothing here.
 */
export interface PlainMachine extends EvaluatorMachine {
  readonly window: { readonly base: bigint; readonly bytes: Uint8Array };
  readonly registers: Map<number, bigint>;
}

/** The CSRs that the machine has: fflags, frm, fcsr, mscratch, mepc, sepc, and mhartid, which is read-only. */
export const PLAIN_CSR = {
  fflags: 1,
  frm: 2,
  fcsr: 3,
  sepc: 0x141,
  mscratch: 0x340,
  mepc: 0x341,
  mhartid: 0xf14,
} as const;

const CAUSE = { breakpoint: 3, loadAccess: 5, storeAccess: 7, callFromMachine: 11 } as const;
const BLOCK_BYTES = 64n;

export function emptyHart(): EvaluatorHart {
  return {
    x: Array<bigint>(32).fill(0n),
    f: Array<bigint>(32).fill(0n),
    pc: 0n,
    fflags: 0,
    frm: 0,
    fs: 3,
    reservation: undefined,
  };
}

export function createPlainMachine(hart: EvaluatorHart, base: bigint, bytes: Uint8Array): PlainMachine {
  const registers = new Map<number, bigint>([
    [PLAIN_CSR.mscratch, 0n],
    [PLAIN_CSR.mepc, 0n],
    [PLAIN_CSR.sepc, 0n],
    [PLAIN_CSR.mhartid, 0n],
  ]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = (address: bigint, length: number, cause: number): number => {
    const at = address - base;
    if (at < 0n || at + BigInt(length) > BigInt(bytes.length)) raiseTrap(cause, address);
    return Number(at);
  };
  const readCsr = (address: number): bigint => {
    if (address >= PLAIN_CSR.fflags && address <= PLAIN_CSR.fcsr && hart.fs === 0) raiseTrap(TRAP.illegal, 0n);
    switch (address) {
      case PLAIN_CSR.fflags:
        return BigInt(hart.fflags);
      case PLAIN_CSR.frm:
        return BigInt(hart.frm);
      case PLAIN_CSR.fcsr:
        return BigInt((hart.frm << 5) | hart.fflags);
      default:
        return registers.get(address) ?? raiseTrap(TRAP.illegal, 0n);
    }
  };
  const writeCsr = (address: number, value: bigint): void => {
    const low = Number(value & 0xffn);
    if (address === PLAIN_CSR.fflags || address === PLAIN_CSR.fcsr) hart.fflags = low & 31;
    if (address === PLAIN_CSR.frm) hart.frm = low & 7;
    if (address === PLAIN_CSR.fcsr) hart.frm = low >> 5;
    if (address <= PLAIN_CSR.fcsr) hart.fs = 3;
    else registers.set(address, address === PLAIN_CSR.mscratch ? value : value & ~1n);
  };
  return {
    window: { base, bytes },
    registers,
    load(address, length, access) {
      const at = offset(address, length, access === 'amo' ? CAUSE.storeAccess : CAUSE.loadAccess);
      if (length === 8) return view.getBigUint64(at, true);
      return BigInt(
        length === 4 ? view.getUint32(at, true) : length === 2 ? view.getUint16(at, true) : view.getUint8(at),
      );
    },
    store(address, length, value) {
      const at = offset(address, length, CAUSE.storeAccess);
      for (let i = 0; i < length; i += 1) bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    },
    csr(address, _read, replace) {
      const before = readCsr(address);
      // Addresses of read-only CSRs have both upper bits set (privileged specification §2.1).
      if (replace !== undefined && address >> 10 === 3) raiseTrap(TRAP.illegal, 0n);
      if (replace !== undefined) writeCsr(address, BigInt.asUintN(64, replace(before)));
      return before;
    },
    system(name, _hart, { operands }) {
      switch (name) {
        case 'ecall':
          return raiseTrap(CAUSE.callFromMachine, 0n);
        case 'ebreak':
          return raiseTrap(CAUSE.breakpoint, hart.pc);
        case 'mret':
          return registers.get(PLAIN_CSR.mepc);
        case 'sret':
          return registers.get(PLAIN_CSR.sepc);
        case 'cbo.zero':
        case 'cbo.clean':
        case 'cbo.inval': {
          const block = hart.x[operands.rs1]! & ~(BLOCK_BYTES - 1n);
          const at = offset(block, Number(BLOCK_BYTES), CAUSE.storeAccess);
          if (name === 'cbo.zero') bytes.fill(0, at, at + Number(BLOCK_BYTES));
          return undefined;
        }
        default:
          return undefined;
      }
    },
  };
}
