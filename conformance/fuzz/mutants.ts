import { STATUS } from '../../packages/trusted/hardware/src/hart/csr-slots.ts';
import { STORED_CSRS } from '../../packages/trusted/hardware/src/hart/csr-table.ts';
import { IMMEDIATE } from '../../packages/trusted/hardware/src/isa/operands.ts';
import type { Statement } from '../../packages/trusted/hardware/src/isa/semantics.ts';
import { baseInstructionNamed } from '../../packages/trusted/hardware/src/isa/table.ts';

/** A fault planted into the machine's tables for one run. Planting returns what takes it out again. */
export interface Mutant {
  readonly name: string;
  plant(): () => void;
}

/** Replaces one property, whatever its type says about writing. */
function replace<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): () => void {
  const before = target[key];
  const set = (next: T[K]): void => {
    Object.defineProperty(target, key, { value: next, configurable: true, enumerable: true, writable: true });
  };
  set(value);
  return () => set(before);
}

type Node = Readonly<Record<string, unknown>>;

/** A copy of a tree in which the first node that fits is exchanged. @throws if none fits */
function exchange<T>(root: T, fits: (node: Node) => boolean, by: (node: Node) => unknown): T {
  let done = false;
  const visit = (node: unknown): unknown => {
    if (done || typeof node !== 'object' || node === null) return node;
    if (Array.isArray(node)) return node.map(visit);
    if (fits(node as Node)) {
      done = true;
      return by(node as Node);
    }
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]));
  };
  const result = visit(root) as T;
  if (!done) throw new Error('The mutant changes nothing');
  return result;
}

/** A change of an entry's semantics: in the first node with these properties, others. */
const inSemantics = (name: string, instruction: string, where: Node, change: Node): Mutant => ({
  name,
  plant() {
    const entry = baseInstructionNamed(instruction);
    const fits = (node: Node): boolean => Object.entries(where).every(([key, value]) => node[key] === value);
    return replace(
      entry,
      'semantics',
      exchange(entry.semantics, fits, (node) => ({ ...node, ...change })) as readonly Statement[],
    );
  },
});

const noNanBox = (node: Node): boolean => node.op === 'constant' && node.value === 0x7fc0_0000n;

/** One of each class of instruction. */
export const MUTANTS: readonly Mutant[] = [
  inSemantics('add subtracts', 'add', { op: 'arithmetic', name: 'add' }, { name: 'sub' }),
  inSemantics('blt compares without sign', 'blt', { op: 'compare' }, { name: 'lt_u' }),
  inSemantics('lw does not extend its sign', 'lw', { op: 'load' }, { signed: false }),
  inSemantics('sh stores a word', 'sh', { do: 'store' }, { bytes: 4 }),
  inSemantics('sraiw shifts zeros in', 'sraiw', { op: 'arithmetic', name: 'shr_s' }, { name: 'shr_u' }),
  inSemantics('mulh takes its second factor unsigned', 'mulh', { op: 'product' }, { name: 'mulh_su' }),
  inSemantics('divu by zero gives 0', 'divu', { op: 'constant', value: -1n }, { value: 0n }),
  inSemantics('amomin.d takes the larger', 'amomin.d', { op: 'amo' }, { name: 'max' }),
  inSemantics('sc.w compares a doubleword', 'sc.w', { op: 'storeConditional' }, { bytes: 8 }),
  {
    name: 'fadd.d rounds to nearest always',
    plant() {
      const entry = baseInstructionNamed('fadd.d');
      const { rounding: _, ...operands } = entry.operands;
      return replace(entry, 'operands', operands);
    },
  },
  {
    name: 'fsgnj.s reads a broken box as another NaN',
    plant() {
      const entry = baseInstructionNamed('fsgnj.s');
      return replace(
        entry,
        'semantics',
        exchange(entry.semantics, noNanBox, (node) => ({ ...node, value: 0x7fc0_0001n })) as readonly Statement[],
      );
    },
  },
  inSemantics('fcvt.wu.d saturates as signed', 'fcvt.wu.d', { op: 'float' }, { key: 'f64.to_i32' }),
  inSemantics('csrrs clears', 'csrrs', { do: 'csr' }, { write: 'rc' }),
  {
    name: 'c.addi reads its immediate unsigned',
    plant: () => replace(IMMEDIATE.cSix as { signed: boolean }, 'signed', false),
  },
  inSemantics('sh2add shifts by one', 'sh2add', { op: 'constant', value: 2n }, { value: 1n }),
  inSemantics('maxu compares with sign', 'maxu', { op: 'compare' }, { name: 'lt_s' }),
  inSemantics('bext gives two bits', 'bext', { op: 'constant', value: 1n }, { value: 3n }),
  inSemantics('clmulr is clmulh', 'clmulr', { op: 'product' }, { name: 'clmulh' }),
  {
    name: 'mtval loses its low bit',
    plant: () => replace(STORED_CSRS.get(0x343)!, 'visible', [~1, -1]),
  },
  { name: 'Sv39 ignores MXR', plant: () => replace(STATUS as { MXR: number }, 'MXR', 0) },
];
