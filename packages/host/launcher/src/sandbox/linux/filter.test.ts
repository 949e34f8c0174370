import { expect, test } from 'vitest';
import { type Architecture, COMPARTMENT_KINDS } from '../compartment-kind.ts';
import { type Rule, rulesOf } from './allow-lists.ts';
import { compileFilter } from './filter.ts';
import { SYSTEM_CALLS } from './system-calls.ts';

const ARCHITECTURES = [
  ['x64', 0xc000_003e],
  ['arm64', 0xc000_00b7],
] as const;
const VARIANTS = COMPARTMENT_KINDS.flatMap((kind) =>
  [false, true].flatMap((jitless) => [false, true].map((landlock) => ({ kind, jitless, landlock }))),
);
const KILL = 'kill';
const seed = Math.floor(Math.random() * 2 ** 31);

/** What the kernel would do: classic BPF by its definition in linux/filter.h, over a `struct seccomp_data`. */
function run(program: Uint8Array, number: number, arch: number, args: readonly bigint[]): string {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, arch, true);
  args.forEach((value, index) => {
    data.setBigUint64(16 + 8 * index, value, true);
  });
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const k = code.getUint32(8 * at + 4, true);
    const jump = (taken: boolean): number => code.getUint8(8 * at + (taken ? 2 : 3));
    switch (code.getUint16(8 * at, true)) {
      case 0x20:
        accumulator = data.getUint32(k, true);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x15:
        at += jump(accumulator === k);
        break;
      case 0x35:
        at += jump(accumulator >= k);
        break;
      case 0x06:
        if (k === 0x8000_0000) return KILL;
        if (k === 0x7fff_0000) return 'allow';
        return k >>> 16 === 5 ? `errno ${k & 0xffff}` : `unknown ${k}`;
      default:
        throw new Error(`Instruction ${at} is none of those that the compiler makes`);
    }
  }
}

/** What the table says. */
function expected(rule: Rule | undefined, args: readonly bigint[]): string {
  if (rule === undefined) return KILL;
  const passes = rule.allowedIf.some((checks) =>
    checks.every(({ argument, mask, oneOf }) => oneOf.includes(args[argument]! & mask)),
  );
  return passes ? 'allow' : rule.errno === undefined ? KILL : `errno ${rule.errno}`;
}

function* random(from: number): Generator<number, never> {
  for (let state = from | 1; ; ) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9;
    yield (state ^ (state >>> 13)) >>> 0;
  }
}

/** Arguments at the rules' edges: each wanted value, each with one bit more or less, in the low and the high word. */
function argumentsFor(rule: Rule | undefined, draw: Generator<number, never>): bigint[][] {
  const checks = rule?.allowedIf.flat() ?? [];
  const plain = Array.from({ length: 6 }, () => (BigInt(draw.next().value) << 32n) | BigInt(draw.next().value));
  const sets = [plain, [0n, 0n, 0n, 0n, 0n, 0n]];
  for (let round = 0; round < 40 && checks.length > 0; round++) {
    const args = plain.map((value) => (draw.next().value % 2 === 0 ? value & 0xffff_ffffn : 0n));
    for (const { argument, mask, oneOf } of checks) {
      const value = oneOf[draw.next().value % oneOf.length]!;
      args[argument] = (args[argument]! & ~mask & (2n ** 64n - 1n)) | value;
      if (draw.next().value % 3 === 0) args[argument] ^= 1n << BigInt(draw.next().value % 64);
    }
    sets.push(args);
  }
  return sets;
}

test.each(ARCHITECTURES)(`on %s every call number answers as the table says (seed ${seed})`, (architecture, arch) => {
  const draw = random(seed);
  for (const variant of VARIANTS) {
    const rules = rulesOf(variant.kind, variant);
    const program = compileFilter(rules, architecture);
    const byNumber = new Map(
      [...rules].flatMap(([name, rule]) => {
        const number = SYSTEM_CALLS[name][architecture === 'x64' ? 0 : 1];
        return number === null ? [] : [[number as number, rule] as const];
      }),
    );
    for (let number = 0; number <= 600; number++)
      for (const args of argumentsFor(byNumber.get(number), draw))
        expect(run(program, number, arch, args), `${JSON.stringify(variant)} ${number}(${args})`).toBe(
          expected(byNumber.get(number), args),
        );
  }
});

test('calls of another architecture and x32 calls end the process', () => {
  const zero = [0n, 0n, 0n, 0n, 0n, 0n];
  const programs = new Map<Architecture, Uint8Array>(
    ARCHITECTURES.map(([name]) => [name, compileFilter(rulesOf('machine', { jitless: false, landlock: false }), name)]),
  );
  for (let number = 0; number <= 600; number++) {
    for (const arch of [0x4000_0003, 0x4000_0028, 0xc000_00b7, 0]) // i386, arm, aarch64, none
      expect(run(programs.get('x64')!, number, arch, zero)).toBe(KILL);
    expect(run(programs.get('x64')!, 0x4000_0000 + number, 0xc000_003e, zero)).toBe(KILL);
    expect(run(programs.get('arm64')!, number, 0xc000_003e, zero)).toBe(KILL);
  }
});

test('what only some kinds need, only they have', () => {
  const names = (kind: (typeof COMPARTMENT_KINDS)[number]): readonly string[] => [
    ...rulesOf(kind, { jitless: false, landlock: false }).keys(),
  ];
  expect(COMPARTMENT_KINDS.filter((kind) => names(kind).includes('pwrite64'))).toEqual(['machine', 'storage']);
  expect(COMPARTMENT_KINDS.filter((kind) => names(kind).includes('fdatasync'))).toEqual(['storage']);
  expect(
    names('machine').filter((name) => /socket$|^connect|^bind|^fork|^kill|^ptrace|^fsync|^mount/.test(name)),
  ).toEqual([]);
});

test('without JIT no page can be written and run', () => {
  const program = compileFilter(rulesOf('slice', { jitless: true, landlock: false }), 'x64');
  const mmap = (prot: bigint, flags: bigint): string => run(program, 9, 0xc000_003e, [0n, 4096n, prot, flags, 0n, 0n]);
  expect(mmap(5n, 2n)).toBe('allow'); // the loader's mapping of a library's text
  expect(mmap(3n, 0x22n)).toBe('allow');
  for (const [prot, flags] of [
    [5n, 0x22n],
    [4n, 0x22n],
    [7n, 0x22n],
    [7n, 2n],
    [6n, 1n],
  ] as const)
    expect(mmap(prot, flags)).toBe(KILL);
  expect(run(program, 10, 0xc000_003e, [0n, 4096n, 5n, 0n, 0n, 0n])).toBe(KILL);
  expect(run(program, 329, 0xc000_003e, [0n, 4096n, 5n, 0n, 0n, 0n])).toBe(KILL);
});

test('a program stays small enough for the kernel and for one look', () => {
  for (const variant of VARIANTS)
    expect(compileFilter(rulesOf(variant.kind, variant), 'x64').length / 8).toBeLessThan(256);
});
