import type { Architecture } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';

/** A number, the address of a piece of data, or what an earlier step returned. */
export type Operand = number | bigint | { readonly at: string } | { readonly result: number };

/** System calls of one program, one after the other; the first that fails ends it. */
export interface RawProgram {
  /** Bytes, or words of 64 bits. */
  readonly data?: Readonly<Record<string, Uint8Array | readonly Operand[]>>;
  readonly steps: readonly Step[];
}

export interface Step {
  /** Its number, in the ABI that `abi` says. */
  readonly call: number;
  readonly args: readonly Operand[];
  /** `i386`: `int 0x80`, with the numbers and the audit architecture of 32-bit x86. */
  readonly abi?: 'i386';
}

/** Low enough for 32-bit displacements. */
const BASE = 0x40_0000;
const HEADERS = 64 + 56;

/**
 * A static ELF program that makes the given system calls and exits with 0, or with the errno of the one that failed.
 * So what native code could ask of the kernel can be asked under exactly a compartment's command line, in Node's place.
 */
export function assemble({ data = {}, steps }: RawProgram, architecture: Architecture): Uint8Array {
  const emit = architecture === 'x64' ? emitX64 : emitArm64;
  const results = steps.length * 8;
  // The code's length does not depend on the addresses in it.
  const zero = (): number => 0;
  const codeLength = emit(steps, zero, zero).length;
  const resultsAt = align(HEADERS + codeLength);
  const places = new Map<string, number>();
  let end = resultsAt + results;
  for (const [name, value] of Object.entries(data)) {
    places.set(name, BASE + end);
    end = align(end + (value instanceof Uint8Array ? value.length : value.length * 8));
  }
  const address = (name: string): number => {
    const place = places.get(name);
    if (place === undefined) throw new Error(`There is no data "${name}"`);
    return place;
  };
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  file.set(elfHeaders(architecture, end));
  file.set(
    emit(steps, address, (step) => BASE + resultsAt + 8 * step),
    HEADERS,
  );
  for (const [name, value] of Object.entries(data)) {
    const at = address(name) - BASE;
    if (value instanceof Uint8Array) file.set(value, at);
    else
      value.forEach((word, index) => {
        const number = typeof word === 'object' ? ('at' in word ? address(word.at) : 0) : word;
        view.setBigUint64(at + 8 * index, BigInt.asUintN(64, BigInt(number)), true);
      });
  }
  return file;
}

const align = (value: number): number => (value + 15) & ~15;

/** ELF64, executable, one segment that may be read, written and run (System V ABI, chapters 4 and 5). */
function elfHeaders(architecture: Architecture, length: number): Uint8Array {
  const bytes = new Uint8Array(HEADERS);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, architecture === 'x64' ? 62 : 183, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE + HEADERS), true); // e_entry
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true); // e_phnum
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, 7, true); // PF_R | PF_W | PF_X
  for (const [at, value] of [
    [80, BASE],
    [88, BASE],
    [96, length],
    [104, length],
    [112, 0x1000],
  ] as const)
    view.setBigUint64(at, BigInt(value), true);
  return bytes;
}

type Emit = (
  steps: readonly Step[],
  address: (name: string) => number,
  resultOf: (step: number) => number,
) => Uint8Array;

const little = (value: number | bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, index) => Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * index)) & 0xffn));

const emitX64: Emit = (steps, address, resultOf) => {
  const code: number[] = [];
  const RDI_RSI_RDX_R10_R8_R9 = [7, 6, 2, 10, 8, 9];
  const RBX_RCX_RDX_RSI_RDI_RBP = [3, 1, 2, 6, 7, 5];
  const move = (register: number, value: number | bigint): void => {
    code.push(0x48 | (register >> 3), 0xb8 | (register & 7), ...little(value, 8));
  };
  const load = (register: number, from: number): void => {
    code.push(0x48 | ((register >> 3) << 2), 0x8b, ((register & 7) << 3) | 4, 0x25, ...little(from, 4));
  };
  steps.forEach(({ call, args, abi }, index) => {
    const registers = abi === 'i386' ? RBX_RCX_RDX_RSI_RDI_RBP : RDI_RSI_RDX_R10_R8_R9;
    for (let argument = 0; argument < 6; argument++) {
      const value = args[argument] ?? 0;
      if (typeof value !== 'object') move(registers[argument]!, value);
      else if ('at' in value) move(registers[argument]!, address(value.at));
      else load(registers[argument]!, resultOf(value.result));
    }
    move(0, call);
    code.push(...(abi === 'i386' ? [0xcd, 0x80] : [0x0f, 0x05]));
    code.push(0x48, 0x89, 0x04, 0x25, ...little(resultOf(index), 4)); // mov [result], rax
    // test rax, rax; jns over: neg rax; mov rdi, rax; mov eax, 231 (exit_group); syscall
    code.push(0x48, 0x85, 0xc0, 0x79, 13, 0x48, 0xf7, 0xd8, 0x48, 0x89, 0xc7, 0xb8, 231, 0, 0, 0, 0x0f, 0x05);
  });
  code.push(0x31, 0xff, 0xb8, 231, 0, 0, 0, 0x0f, 0x05); // exit_group(0)
  return Uint8Array.from(code);
};

const emitArm64: Emit = (steps, address, resultOf) => {
  const code: number[] = [];
  const word = (value: number): void => void code.push(...little(value >>> 0, 4));
  const move = (register: number, value: number | bigint): void => {
    const bits = BigInt.asUintN(64, BigInt(value));
    for (let part = 0; part < 4; part++) {
      const half = Number((bits >> BigInt(16 * part)) & 0xffffn);
      word((part === 0 ? 0xd280_0000 : 0xf280_0000) | (part << 21) | (half << 5) | register); // movz, movk
    }
  };
  const SVC = 0xd400_0001;
  steps.forEach(({ call, args }, index) => {
    for (let argument = 0; argument < 6; argument++) {
      const value = args[argument] ?? 0;
      if (typeof value !== 'object') move(argument, value);
      else if ('at' in value) move(argument, address(value.at));
      else {
        move(9, resultOf(value.result));
        word(0xf940_0120 | argument); // ldr x<argument>, [x9]
      }
    }
    move(8, call);
    word(SVC);
    move(9, resultOf(index));
    word(0xf900_0120); // str x0, [x9]
    word(0xb6f8_00e0); // tbz x0, #63, over the next six
    word(0xcb00_03e0); // neg x0, x0
    move(8, 94); // exit_group
    word(SVC);
  });
  move(0, 0);
  move(8, 94);
  word(SVC);
  return Uint8Array.from(code);
};
