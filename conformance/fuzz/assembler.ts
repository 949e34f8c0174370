import { type AssemblyOperands, assemble } from '../../packages/trusted/hardware/src/isa/assemble.ts';

/** A line of the runtime: an instruction, or a label. `to` names the label that a jump or branch goes to. */
export type Line = string | readonly [name: string, operands?: AssemblyOperands & { readonly to?: string }];

export interface Assembled {
  readonly bytes: Uint8Array;
  /** Addresses. */
  readonly labels: ReadonlyMap<string, number>;
}

/** Assembles 32-bit instructions for `base`. @throws if a label is missing or out of reach. */
export function assembleLines(lines: readonly Line[], base: number): Assembled {
  const labels = new Map<string, number>();
  let at = base;
  for (const line of lines)
    if (typeof line === 'string') labels.set(line, at);
    else at += 4;
  const bytes = new Uint8Array(at - base);
  const view = new DataView(bytes.buffer);
  at = base;
  for (const line of lines) {
    if (typeof line === 'string') continue;
    const [name, { to, ...operands } = {}] = line;
    const target = to === undefined ? undefined : labels.get(to);
    if (to !== undefined && target === undefined) throw new Error(`There is no label "${to}"`);
    const word = assemble(name, target === undefined ? operands : { ...operands, immediate: target - at });
    view.setUint32(at - base, word, true);
    at += 4;
  }
  return { bytes, labels };
}

// The few forms that the runtime needs, written as they are read.
export const load = (rd: number, offset: number, rs1: number): Line => ['ld', { rd, rs1, immediate: offset }];
export const store = (rs2: number, offset: number, rs1: number): Line => ['sd', { rs2, rs1, immediate: offset }];
export const readCsr = (rd: number, csr: number): Line => ['csrrs', { rd, rs1: 0, immediate: csr }];
export const writeCsr = (csr: number, rs1: number): Line => ['csrrw', { rd: 0, rs1, immediate: csr }];
export const jump = (to: string): Line => ['jal', { rd: 0, to }];
