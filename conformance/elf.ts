/** A loadable segment of a little-endian RISC-V ELF64 file. */
export interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those past `bytes` are zero. */
  readonly memoryBytes: number;
}

export interface Elf {
  readonly entry: number;
  readonly segments: readonly Segment[];
  readonly symbols: ReadonlyMap<string, number>;
}

const EM_RISCV = 243;

/**
 * Reads an ELF64 executable (System V ABI, "ELF header", "program header", "symbol table").
 * @throws with one line that says what is wrong
 */
export function readElf(file: Uint8Array): Elf {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || view.getUint32(0, false) !== 0x7f45_4c46) throw new Error('Not an ELF file');
  if (file[4] !== 2 || file[5] !== 1) throw new Error('Not a 64-bit little-endian ELF file');
  if (view.getUint16(18, true) !== EM_RISCV) throw new Error('An ELF file for another machine than RISC-V');
  const number = (at: number): number => Number(view.getBigUint64(at, true));
  const segments: Segment[] = [];
  const [headers, size, count] = [number(32), view.getUint16(54, true), view.getUint16(56, true)];
  for (let i = 0; i < count; i += 1) {
    const at = headers + i * size;
    if (view.getUint32(at, true) !== 1) continue;
    const [offset, address, fileBytes, memoryBytes] = [
      number(at + 8),
      number(at + 24),
      number(at + 32),
      number(at + 40),
    ];
    if (offset + fileBytes > file.length) throw new Error('The ELF file is truncated');
    segments.push({ address, bytes: file.subarray(offset, offset + fileBytes), memoryBytes });
  }
  return { entry: number(24), segments, symbols: readSymbols(file, view, number) };
}

function readSymbols(file: Uint8Array, view: DataView, number: (at: number) => number): Map<string, number> {
  const symbols = new Map<string, number>();
  const [headers, size, count] = [number(40), view.getUint16(58, true), view.getUint16(60, true)];
  for (let i = 0; i < count; i += 1) {
    const at = headers + i * size;
    if (view.getUint32(at + 4, true) !== 2) continue;
    const [offset, bytes] = [number(at + 24), number(at + 32)];
    const strings = number(headers + view.getUint32(at + 40, true) * size + 24);
    for (let entry = offset; entry + 24 <= offset + bytes; entry += 24) {
      let end = strings + view.getUint32(entry, true);
      const start = end;
      while (file[end] !== 0 && end < file.length) end += 1;
      if (end > start) symbols.set(new TextDecoder().decode(file.subarray(start, end)), number(entry + 8));
    }
  }
  return symbols;
}
