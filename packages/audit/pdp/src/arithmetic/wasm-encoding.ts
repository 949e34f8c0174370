// WebAssembly's binary format (Core Specification 2.0, section 5), as far as the modules of this package have it: functions over
// one memory, with i32, i64 and v128.

export type Code = readonly number[];

/** A number in LEB128, as all numbers below are: whole, and below 2^31. */
export function leb(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
// A constant's encoding is signed: a last group of seven bits that begins with a one would make it negative.
const signed = (value: number): Code =>
  value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(Math.floor(value / 0x80))];

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
export const PAGE_BYTES = 64 * 1024;

export const get = (local: number): Code => [0x20, local];
export const set = (local: number): Code => [0x21, local];
export const tee = (local: number): Code => [0x22, local];

export const constant = (value: number): Code => [0x41, ...signed(value)];
export const ADD = 0x6a;
export const AND = 0x71;
export const SHIFT_LEFT = 0x74;
export const BELOW = 0x49;

export const constant64 = (value: number): Code => [0x42, ...signed(value)];
export const ADD64 = 0x7c;
export const MULTIPLY64 = 0x7e;
export const AND64 = 0x83;
export const SHIFT_RIGHT64 = 0x88;
/** To the 32 bits below. */
export const WRAP = 0xa7;

// All at any address: the alignment is a hint.
export const loadByte = (offset: number): Code => [0x2d, 0, ...leb(offset)];
export const load64 = (offset: number): Code => [0x29, 0, ...leb(offset)];
/** Four bytes as an i64. */
export const load32To64 = (offset: number): Code => [0x35, 0, ...leb(offset)];
export const store64 = (offset: number): Code => [0x37, 0, ...leb(offset)];
export const store32Of64 = (offset: number): Code => [0x3e, 0, ...leb(offset)];

const vector = (operation: number): Code => [0xfd, ...leb(operation)];
export const loadVector = (offset: number): Code => [...vector(0x00), 0, ...leb(offset)];
/** Four bytes, four times. */
export const loadSplat32 = (offset: number): Code => [...vector(0x09), 0, ...leb(offset)];
export const storeVector = (offset: number): Code => [...vector(0x0b), 0, ...leb(offset)];
export const ZERO_VECTOR: Code = [...vector(0x0c), ...new Array<number>(16).fill(0)];
export const SPLAT32 = vector(0x11);
export const XOR_VECTORS = vector(0x51);
export const ADD_I64X2 = vector(0xce);
/** Products of the lower or upper two of four 32-bit numbers, of 64 bits each. */
export const PRODUCTS_LOW = vector(0xde);
export const PRODUCTS_HIGH = vector(0xdf);

export const BRANCH_IF_TO_LOOP: Code = [0x0d, 0];
const END = 0x0b;
export const loop = (...body: readonly Code[]): Code => [0x03, 0x40, ...body.flat(), END];
export const raise = (local: number, by: number): Code => [...get(local), ...constant(by), ADD, ...set(local)];
/** The end of a loop that goes on while one local is below another. */
export const againWhileBelow = (local: number, end: number): Code => [
  ...get(local),
  ...get(end),
  BELOW,
  ...BRANCH_IF_TO_LOOP,
];

const sized = (content: Code): Code => [...leb(content.length), ...content];
const counted = (parts: readonly Code[]): Code => [...leb(parts.length), ...parts.flat()];
const section = (id: number, parts: readonly Code[]): Code => [id, ...sized(counted(parts))];
const nameOf = (text: string): Code => sized([...text].map((letter) => letter.charCodeAt(0)));

/** A function that takes so many i32 and returns nothing. */
export interface ModuleFunction {
  readonly name: string;
  readonly parameters: number;
  /** The types of the other locals, in order: how many of which. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: Code;
}

/** A module with a memory that it exports by that name. */
export function moduleOf(memoryBytes: number, functions: readonly ModuleFunction[]): Uint8Array {
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      functions.map(({ parameters }) => [0x60, ...sized(new Array<number>(parameters).fill(I32)), 0]),
    ),
    ...section(
      3,
      functions.map((_, at) => leb(at)),
    ),
    ...section(5, [[0x00, ...leb(Math.ceil(memoryBytes / PAGE_BYTES))]]),
    ...section(7, [
      [...nameOf('memory'), 0x02, 0],
      ...functions.map(({ name }, at) => [...nameOf(name), 0x00, ...leb(at)]),
    ]),
    ...section(
      10,
      functions.map(({ locals, code }) =>
        sized([...counted(locals.map(([count, type]) => [...leb(count), type])), ...code, END]),
      ),
    ),
  ]);
}

/** What an instance of such a module exports. */
export function instantiate<Exports>(
  bytes: Uint8Array,
): Exports & { readonly memory: { readonly buffer: ArrayBuffer } } {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return exports as Exports & { readonly memory: { readonly buffer: ArrayBuffer } };
}
