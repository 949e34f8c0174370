import { encodeInstruction } from '../../packages/trusted/hardware/src/isa/assemble.ts';
import { decode } from '../../packages/trusted/hardware/src/isa/decode.ts';
import type { Instruction } from '../../packages/trusted/hardware/src/isa/instruction.ts';
import {
  type ImmediateField,
  type RegisterField,
  readImmediate,
} from '../../packages/trusted/hardware/src/isa/operands.ts';
import type { AddressSpace } from './address-space.ts';
import type { Choice } from './choice.ts';
import { CSR } from './csrs.ts';
import { baseOf, GROUPS } from './groups.ts';
import { ILLEGAL_WORDS } from './illegal.ts';
import { countAvoided } from './peer-differences.ts';
import { ALL, FREE, ROLE } from './registers.ts';

/** One instruction of a body; a jump's word is known only when all places are. */
export interface Slot {
  readonly length: 2 | 4;
  word(here: number, placeOf: (item: number) => number): number;
}

/** What a body may hold, drawn once for each. */
export interface Policy {
  readonly space: AddressSpace;
  /** M-mode now and then accesses memory as another mode does (MPRV). */
  readonly modified: boolean;
  /** WFI is illegal at once here: where it waited, nothing would end the wait. */
  readonly wfi: boolean;
  /** No access crosses a page. */
  readonly aligned: boolean;
  /** The safe page can be stored to, as SC needs it. */
  readonly conditional: boolean;
}

type Values = { readonly [K in 'rd' | 'rs1' | 'rs2' | 'rs3' | 'immediate' | 'rounding']?: number };
type Item = readonly Slot[];

const fixed = (entry: Instruction, values: Values, extra = 0): Slot => {
  const word = (encodeInstruction(entry, values) | extra) >>> 0;
  return { length: entry.length, word: () => word };
};
const slot = (name: string, values: Values = {}): Slot => fixed(GROUPS.named(name), values);
const illegal = (word: number): Slot => ({ length: (word & 3) === 3 ? 4 : 2, word: () => word });
const jumping = (entry: Instruction, values: Values, item: number): Slot => ({
  length: entry.length,
  word: (here, placeOf) => encodeInstruction(entry, { ...values, immediate: placeOf(item) - here }),
});

function register(choice: Choice, field: RegisterField | undefined, list: readonly number[]): number {
  if (field === undefined) return 0;
  if (field.fixed !== undefined) return field.fixed;
  return choice.pick(field.bits === 3 ? list.filter((n) => n >= 8 && n < 16) : list);
}

function anyImmediate(choice: Choice, field: ImmediateField | undefined): number {
  if (field === undefined) return 0;
  if (field.fixed !== undefined) return field.fixed;
  return readImmediate(field, choice.once(6) ? choice.pick([0, -1, 1 << 31, 0x7fff_ffff]) : choice.bits());
}

const ROUNDING = [0, 1, 2, 3, 4, 7, 7, 7, 7, 0, 1, 2, 3, 4, 7, 7, 7, 7, 0, 1, 2, 3, 4, 7, 7, 5, 6];

/** An instruction that computes: registers to register. */
function computation(choice: Choice, entry: Instruction): Item {
  const base = baseOf(entry);
  const float = (name: 'rd' | 'rs1' | 'rs2' | 'rs3'): boolean => base.floatOperands.includes(name);
  const rdList = float('rd') ? ALL : FREE;
  for (;;) {
    const rd = register(choice, entry.operands.rd, rdList);
    const tied = entry.operands.rs1 === entry.operands.rd;
    const values = {
      rd,
      rs1: tied ? rd : register(choice, entry.operands.rs1, ALL),
      rs2: register(choice, entry.operands.rs2, ALL),
      rs3: register(choice, entry.operands.rs3, ALL),
      immediate: anyImmediate(choice, entry.operands.immediate),
      rounding: choice.pick(ROUNDING),
    };
    if (entry.name === 'ctzw') {
      countAvoided('ctzw');
      const low = { rd: ROLE.scratch, rs1: values.rs1, immediate: choice.below(32) };
      return [slot('bseti', low), fixed(entry, { ...values, rs1: ROLE.scratch })];
    }
    const made = fixed(entry, values);
    // Some operands belong to another entry, or to none.
    if (decode(made.word(0, () => 0))?.entry === entry) return [made];
  }
}

/** A load, store or AMO through one of the base registers; `atomic` ones have no offset. */
function access(choice: Choice, policy: Policy, entry: Instruction): Item {
  const base = baseOf(entry);
  const bases = [ROLE.safe, ROLE.safe, ROLE.safe, ...ROLE.bases];
  const { immediate } = entry.operands;
  // Where there is no memory at all QEMU splits an AMO into a load and a store.
  const atomic = base.extension === 'a';
  const values = {
    rd: register(choice, entry.operands.rd, base.floatOperands.includes('rd') ? ALL : FREE),
    rs1: register(choice, entry.operands.rs1, atomic && !policy.space.translated ? [ROLE.safe] : bases),
    rs2: register(choice, entry.operands.rs2, ALL),
    immediate:
      policy.aligned || choice.once(2) ? anyImmediate(choice, immediate) & ~7 : anyImmediate(choice, immediate),
  };
  const ordering = atomic ? choice.below(4) << 25 : 0;
  const made = fixed(entry, values, ordering);
  return decode(made.word(0, () => 0))?.entry === entry ? [made] : access(choice, policy, entry);
}

/** LR and, at once or a few instructions later, SC to the same place. QEMU's SC asks nothing of memory when it fails. */
function reservation(choice: Choice, { conditional }: Policy): Item {
  const suffix = choice.pick(['w', 'd']);
  const load = (rs1: number): Slot =>
    fixed(GROUPS.named(`lr.${suffix}`), { rd: choice.pick(FREE), rs1 }, choice.below(4) << 25);
  if (!conditional || choice.once(4)) return [load(choice.pick([ROLE.safe, ...ROLE.bases]))];
  const between = Array.from({ length: choice.below(3) }, () =>
    computation(choice, choice.pick(GROUPS.integer)),
  ).flat();
  const store = (): Slot =>
    fixed(
      GROUPS.named(`sc.${suffix}`),
      { rd: choice.pick(FREE), rs1: ROLE.safe, rs2: choice.pick(ALL) },
      choice.below(4) << 25,
    );
  return [load(ROLE.safe), ...between, store(), ...(choice.once(3) ? [store()] : [])];
}

/** Loads a small constant or a status value into the scratch register. */
const constant = (value: number): Item => [
  slot('lui', { rd: ROLE.scratch, immediate: (value + 0x800) & ~0xfff }),
  slot('addiw', { rd: ROLE.scratch, rs1: ROLE.scratch, immediate: ((value & 0xfff) << 20) >> 20 }),
];

const CSR_FORMS = ['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'] as const;
const READABLE = [
  ...[CSR.fflags, CSR.frm, CSR.fcsr, CSR.sstatus, CSR.sie, CSR.stvec, CSR.scounteren, CSR.senvcfg, CSR.sscratch],
  ...[CSR.sepc, CSR.scause, CSR.stval, CSR.sip, CSR.satp, CSR.mstatus, CSR.misa, CSR.medeleg, CSR.mideleg, CSR.mie],
  ...[CSR.mtvec, CSR.mcounteren, CSR.menvcfg, CSR.mscratch, CSR.mepc, CSR.mcause, CSR.mtval, CSR.mip, CSR.pmpcfg0],
  ...[CSR.pmpaddr0, CSR.mhartid],
  // No such registers: of the hypervisor, of vectors, and unassigned ones.
  ...[0x600, 0x280, 0x008, 0x5c0, 0x9c0, 0xfff, 0x3a1, 0x3a3],
];
const WRITABLE = [
  ...[CSR.fflags, CSR.frm, CSR.fcsr, CSR.fflags, CSR.frm, CSR.fcsr, CSR.fflags, CSR.frm, CSR.fcsr],
  ...[CSR.sscratch, CSR.sepc, CSR.scause, CSR.stval, CSR.mscratch, CSR.mepc, CSR.mcause, CSR.mtval],
  ...[CSR.scounteren, CSR.mcounteren],
];
const STATUS = { SIE: 2, MIE: 8, SPIE: 0x20, MPIE: 0x80, SPP: 0x100, MPP: 0x1800, FS: 0x6000 } as const;
const STATUS_HIGH = { SUM: 0x4_0000, MXR: 0x8_0000, TVM: 0x10_0000, TW: 0x20_0000, TSR: 0x40_0000 } as const;

/** Bits for a write of mstatus or sstatus. FS goes Off or Dirty, no other way: see peer differences, "fs". */
function statusBits(choice: Choice, { space }: Policy, write: string): number {
  let bits = 0;
  const names = { ...STATUS, ...STATUS_HIGH };
  for (const [name, bit] of Object.entries(names)) {
    if (name === 'FS' && !choice.once(8)) continue;
    if (name === 'TW' && space.privilege === 3) continue;
    if (choice.once(4)) bits |= name === 'MPP' ? (write === 'csrrw' ? choice.pick([0x800, 0x1800]) : bit) : bit;
  }
  countAvoided('fs');
  return bits;
}

const MPRV = 0x2_0000;

/** One access with MPRV set. QEMU 7.2 has one TLB for M-mode with and without it, and empties it when MPRV changes only. */
function modifiedAccess(choice: Choice, policy: Policy): Item {
  countAvoided('mprv');
  const clear = slot('csrrc', { rd: 0, rs1: ROLE.scratch, immediate: CSR.mstatus });
  const set = slot('csrrs', { rd: 0, rs1: ROLE.scratch, immediate: CSR.mstatus });
  return [
    ...constant(STATUS.MPP),
    clear,
    ...constant(MPRV | choice.pick([0, 0x800])),
    set,
    ...access(choice, policy, choice.pick(GROUPS.accesses)),
    ...constant(MPRV),
    clear,
  ];
}

function csrAccess(choice: Choice, policy: Policy): Item {
  const form = choice.pick(CSR_FORMS);
  const entry = GROUPS.named(form);
  const rd = choice.pick(FREE);
  switch (choice.below(6)) {
    case 0:
    case 1:
      if (policy.modified && choice.once(2)) return modifiedAccess(choice, policy);
      return [
        fixed(GROUPS.named(choice.pick(['csrrs', 'csrrc', 'csrrsi', 'csrrci'])), {
          rd,
          rs1: 0,
          immediate: choice.pick(READABLE),
        }),
      ];
    case 2:
      // Of a counter only whether it may be read, and of the software interrupt's bit all.
      return choice.once(3)
        ? [slot('csrrs', { rd: 0, rs1: 0, immediate: choice.pick([CSR.cycle, CSR.instret]) })]
        : [
            fixed(GROUPS.named(choice.pick(['csrrsi', 'csrrci'])), {
              rd,
              rs1: 2,
              immediate: choice.pick([CSR.sip, CSR.sie, CSR.mip, CSR.mie]),
            }),
          ];
    case 3: {
      const number = choice.pick([CSR.sstatus, CSR.mstatus]);
      const write = choice.pick(['csrrw', 'csrrs', 'csrrs', 'csrrc', 'csrrc'] as const);
      let bits = statusBits(choice, policy, write);
      if (write === 'csrrw' && !choice.once(8)) bits |= STATUS.FS;
      return [...constant(bits), slot(write, { rd, rs1: ROLE.scratch, immediate: number })];
    }
    default: {
      // Read-only ones. QEMU 7.2 lets csrrs and csrrc of them pass where the register holds 0.
      if (choice.once(20)) {
        countAvoided('read-only');
        const source = choice.once(2) ? { rs1: choice.pick(ALL) } : undefined;
        const immediate = choice.pick([CSR.mhartid, CSR.cycle]);
        return [
          source === undefined
            ? slot(choice.pick(['csrrsi', 'csrrci']), { rd, rs1: 1 + choice.below(31), immediate })
            : slot(choice.pick(['csrrw', 'csrrwi']), { rd, ...source, immediate }),
        ];
      }
      const number = choice.pick(WRITABLE);
      if (number !== CSR.sepc && number !== CSR.mepc)
        return [fixed(entry, { rd, rs1: choice.pick(ALL), immediate: number })];
      countAvoided('epc');
      const even = slot('andi', { rd: ROLE.scratch, rs1: choice.pick(ALL), immediate: -2 });
      return [even, slot(choice.pick(['csrrw', 'csrrs', 'csrrc']), { rd, rs1: ROLE.scratch, immediate: number })];
    }
  }
}

/** The address of a later item in the scratch register. */
const addressOf = (item: number): Item => [
  {
    length: 4,
    word: () => encodeInstruction(GROUPS.named('auipc'), { rd: ROLE.scratch, immediate: 0 }),
  },
  {
    length: 4,
    word: (here, placeOf) =>
      encodeInstruction(GROUPS.named('addi'), {
        rd: ROLE.scratch,
        rs1: ROLE.scratch,
        immediate: placeOf(item) - (here - 4),
      }),
  },
];

function system(choice: Choice, policy: Policy, index: number): Item {
  const { space } = policy;
  switch (choice.below(9)) {
    case 0:
      return [slot('ecall')];
    case 1:
      return [slot(choice.pick(['ebreak', 'c.ebreak']))];
    case 2:
      return [slot(choice.pick(['sfence.vma', 'sinval.vma']), { rs1: choice.pick(ALL), rs2: choice.pick(ALL) })];
    case 3:
      // In U-mode these two are illegal; QEMU 7.2 lets them pass.
      if (space.privilege === 1 && space.translated) return [slot(choice.pick(['sfence.w.inval', 'sfence.inval.ir']))];
      countAvoided('svinval-user');
      return [slot('fence.i')];
    case 4:
      return [
        fixed(GROUPS.named('fence'), {
          rd: choice.pick([0, 0, 5]),
          rs1: choice.pick([0, 0, 6]),
          immediate: choice.pick([0x33, 0xff, 0x10, -0x7cd]),
        }),
      ];
    case 5:
      return policy.wfi ? [slot('wfi')] : [slot('c.nop', { immediate: 0 })];
    case 6: {
      if (space.privilege === 0) return [slot(choice.pick(['mret', 'sret']))];
      if (space.privilege === 3 && space.satp !== 0n) return [slot('ecall')];
      const name =
        space.privilege === 3 ? choice.pick(['mret', 'sret'] as const) : choice.pick(['sret', 'sret', 'mret'] as const);
      const target = addressOf(index + 1 + choice.below(2));
      const epc = slot('csrrw', { rd: 0, rs1: ROLE.scratch, immediate: name === 'mret' ? CSR.mepc : CSR.sepc });
      // Code of S-mode cannot be fetched from U-mode where it is translated.
      const stay = space.translated
        ? [...constant(STATUS.SPP), slot('csrrs', { rd: 0, rs1: ROLE.scratch, immediate: CSR.sstatus })]
        : [];
      return [...stay, ...target, epc, slot(name)];
    }
    default:
      return [illegal(choice.pick(ILLEGAL_WORDS))];
  }
}

/** A branch or jump to an item close by; a call through a register; or a jump to where nothing can be executed. */
function control(choice: Choice, index: number): Item {
  const target = index + 1 + choice.below(4);
  const link = choice.pick([ROLE.link, 0, ...FREE]);
  switch (choice.below(8)) {
    case 0:
      return [jumping(GROUPS.named('jal'), { rd: link }, target)];
    case 1:
      return [jumping(GROUPS.named('c.j'), {}, target)];
    case 2: {
      const offset = choice.pick([0, 0, 1, 16, -2048, 2046]);
      const [high, low] = addressOf(target);
      const shifted: Item =
        offset === 0
          ? []
          : [
              slot('addi', {
                rd: ROLE.scratch,
                rs1: ROLE.scratch,
                immediate: offset === 2046 ? -2046 : offset === -2048 ? 2047 : -offset,
              }),
            ];
      const back = offset === -2048 ? -2047 : offset;
      return [high!, low!, ...shifted, slot('jalr', { rd: link, rs1: ROLE.scratch, immediate: back })];
    }
    case 3:
      return [...addressOf(target), slot(choice.pick(['c.jr', 'c.jalr']), { rs1: ROLE.scratch })];
    case 4:
      // ra takes the place behind it, where the handler then goes on.
      return choice.once(3)
        ? [slot('jalr', { rd: ROLE.link, rs1: ROLE.wild, immediate: choice.pick([0, 2, 4]) })]
        : [jumping(GROUPS.named('jal'), { rd: ROLE.link }, target)];
    default: {
      const entry = choice.pick(GROUPS.branches);
      const values = { rs1: register(choice, entry.operands.rs1, ALL), rs2: register(choice, entry.operands.rs2, ALL) };
      return [jumping(entry, values, target)];
    }
  }
}

/** Values of the data that surely lie there: boundary integers and floats, aligned. */
const refresh = (choice: Choice): Item => {
  const float = choice.once(2);
  const entry = GROUPS.named(float ? choice.pick(['fld', 'flw', 'fld']) : 'ld');
  return [
    fixed(entry, { rd: choice.pick(float ? ALL : FREE), rs1: ROLE.safe, immediate: 8 * (choice.below(512) - 256) }),
  ];
};

function anyItem(choice: Choice, policy: Policy, index: number): Item {
  const draw = choice.below(100);
  if (draw < 34) return computation(choice, choice.pick(choice.once(3) ? GROUPS.compressedInteger : GROUPS.integer));
  if (draw < 54) return computation(choice, choice.pick(GROUPS.float));
  if (draw < 60) return refresh(choice);
  if (draw < 75) return access(choice, policy, choice.pick(GROUPS.accesses));
  if (draw < 80) return access(choice, policy, choice.pick(GROUPS.atomics));
  if (draw < 83) return reservation(choice, policy);
  if (draw < 92) return control(choice, index);
  if (draw < 97) return csrAccess(choice, policy);
  if (draw < 99) return system(choice, policy, index);
  // Both ways of moving the stack pointer, and back.
  const step = 16 * (1 + choice.below(30));
  return [slot('c.addi16sp', { immediate: step }), slot('c.addi16sp', { immediate: -step })];
}

/** Items until `instructions` are reached; some of them in loops of a few rounds, which no jump from outside enters badly. */
export function createBody(choice: Choice, policy: Policy, instructions: number): Item[] {
  const items: Item[] = [];
  let count = 0;
  const push = (item: Item): void => {
    items.push(item);
    count += item.length;
  };
  while (count < instructions) {
    if (!choice.once(40)) {
      push(anyItem(choice, policy, items.length));
      continue;
    }
    push([slot('addi', { rd: ROLE.counter, rs1: 0, immediate: 1 + choice.below(3) })]);
    const start = items.length;
    for (let n = 1 + choice.below(5); n > 0; n -= 1) push(anyItem(choice, policy, items.length));
    // A counter that a jump over its start left at 0 ends the loop, too.
    push([
      slot('addi', { rd: ROLE.counter, rs1: ROLE.counter, immediate: -1 }),
      jumping(GROUPS.named('blt'), { rs1: 0, rs2: ROLE.counter }, start),
    ]);
  }
  return items;
}
