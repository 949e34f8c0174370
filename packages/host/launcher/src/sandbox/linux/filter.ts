import type { Architecture } from '../compartment-kind.ts';
import type { ArgumentCheck, Rules } from './allow-lists.ts';
import { SYSTEM_CALLS } from './system-calls.ts';

/** An instruction of classic BPF (linux/filter.h): `code`, operand `k`, and for a comparison where to go. */
interface Instruction {
  readonly code: number;
  readonly k: number;
  readonly yes?: Label;
  readonly no?: Label;
}

/** A place in the program, known once the code that it names has been emitted. */
interface Label {
  at?: number;
}

const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_IF_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

// struct seccomp_data (linux/seccomp.h): nr, arch, instruction_pointer, args[6]; both architectures are little-endian.
const NUMBER = 0;
const ARCH = 4;
const argumentWord = (argument: number, high: boolean): number => 16 + 8 * argument + (high ? 4 : 0);

const KILL_PROCESS = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;

const AUDIT_ARCH: Readonly<Record<Architecture, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

/** __X32_SYSCALL_BIT: the same calls by other numbers, with AUDIT_ARCH_X86_64 (seccomp(2), "Caveats"). */
const X32 = 0x4000_0000;

/**
 * A seccomp filter as the kernel takes it, an array of `struct sock_filter`. One comparison after the other: since Linux
 * 5.11 the kernel keeps what is always allowed in a bitmap of its own and does not run the program for it.
 */
export function compileFilter(rules: Rules, architecture: Architecture): Uint8Array {
  const program: Instruction[] = [];
  const emit = (code: number, k: number): void => void program.push({ code, k });
  const branch = (code: number, k: number, yes: Label, no: Label): void => void program.push({ code, k, yes, no });
  const here = (label: Label): void => void (label.at = program.length);

  /** Goes on after it if the word has one of the values under the mask, else jumps. */
  function word(offset: number, mask: number, values: readonly number[], otherwise: Label): void {
    const holds: Label = {};
    emit(LOAD_WORD, offset);
    emit(AND, mask);
    values.forEach((value, index) => {
      const next: Label = {};
      branch(JUMP_IF_EQUAL, value, holds, index === values.length - 1 ? otherwise : next);
      here(next);
    });
    here(holds);
  }
  function check({ argument, mask, oneOf }: ArgumentCheck, otherwise: Label): void {
    const [low, high] = [Number(mask & 0xffff_ffffn), Number(mask >> 32n)];
    if (oneOf.some((value) => value >> 32n !== 0n)) throw new Error('A value above 32 bits is not compiled');
    word(argumentWord(argument, false), low, oneOf.map(Number), otherwise);
    if (high !== 0) word(argumentWord(argument, true), high, [0], otherwise);
  }

  const native: Label = {};
  const foreign: Label = {};
  emit(LOAD_WORD, ARCH);
  branch(JUMP_IF_EQUAL, AUDIT_ARCH[architecture], native, foreign);
  here(foreign);
  emit(RETURN, KILL_PROCESS);
  here(native);
  emit(LOAD_WORD, NUMBER);
  if (architecture === 'x64') {
    const [x32, rest]: [Label, Label] = [{}, {}];
    branch(JUMP_IF_AT_LEAST, X32, x32, rest);
    here(x32);
    emit(RETURN, KILL_PROCESS);
    here(rest);
  }
  for (const [name, { allowedIf, errno }] of rules) {
    const number = SYSTEM_CALLS[name][architecture === 'x64' ? 0 : 1];
    if (number === null) continue;
    const [same, other]: [Label, Label] = [{}, {}];
    branch(JUMP_IF_EQUAL, number, same, other);
    here(same);
    for (const alternative of allowedIf) {
      const fails: Label = {};
      for (const one of alternative) check(one, fails);
      emit(RETURN, ALLOW);
      here(fails);
    }
    if (!allowedIf.some((checks) => checks.length === 0))
      emit(RETURN, errno === undefined ? KILL_PROCESS : ERRNO | errno);
    here(other);
  }
  emit(RETURN, KILL_PROCESS);
  return encode(program);
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * program.length);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, k, yes, no }, index) => {
    const [jumpTrue, jumpFalse] = [yes, no].map((label) => (label === undefined ? 0 : label.at! - index - 1));
    if (jumpTrue! > 255 || jumpFalse! > 255) throw new Error('A jump of the filter is too long');
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, jumpTrue!);
    view.setUint8(8 * index + 3, jumpFalse!);
    view.setUint32(8 * index + 4, k, true);
  });
  return bytes;
}
