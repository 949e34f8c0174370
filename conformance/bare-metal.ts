import { type BareMachine, createBareMachine } from '@cloister/hardware/bare-machine';
import type { Elf } from './elf.ts';

/** How a program that speaks the `tohost` protocol ended (riscv-tests: 1 is a pass, else the failing case * 2 + 1). */
export type Outcome =
  | { readonly kind: 'pass'; readonly retired: number }
  | { readonly kind: 'fail'; readonly test: number; readonly retired: number }
  | { readonly kind: 'timeout'; readonly retired: number };

const RAM_BYTES = 64 * 1024 * 1024;

/** Loads the program into a machine's RAM and lets it run until it writes `tohost`, or `limit` instructions are retired. */
export function runBareMetal(elf: Elf, limit: number): { outcome: Outcome; machine: BareMachine } {
  const machine = createBareMachine(RAM_BYTES);
  for (const { address, bytes, memoryBytes } of elf.segments) machine.load(address, bytes, memoryBytes);
  let written: bigint | undefined;
  const tohost = elf.symbols.get('tohost');
  if (tohost === undefined) throw new Error('The program has no symbol "tohost"');
  machine.watch(tohost, (value) => {
    if (value !== 0n) written ??= value;
    return written !== undefined;
  });
  machine.start(elf.entry);
  const retired = machine.run(limit);
  if (written === undefined) return { outcome: { kind: 'timeout', retired }, machine };
  if (written === 1n) return { outcome: { kind: 'pass', retired }, machine };
  return { outcome: { kind: 'fail', test: Number(written >> 1n), retired }, machine };
}

/** The bytes between `begin_signature` and `end_signature`, a 32-bit word a line, as riscv-arch-test compares them. */
export function signatureOf(elf: Elf, machine: BareMachine): string {
  const begin = elf.symbols.get('begin_signature');
  const end = elf.symbols.get('end_signature');
  if (begin === undefined || end === undefined)
    throw new Error('The program has no symbols "begin_signature" and "end_signature"');
  const bytes = machine.read(begin, end - begin);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at + 4 <= bytes.length; at += 4)
    text += `${view.getUint32(at, true).toString(16).padStart(8, '0')}\n`;
  return text;
}
