import { EXIT_REASONS, type ExitReason, REGISTERS } from './exit-mask.ts';
import { GRANT_MAC_BYTES } from './grant.ts';
import { FRAME_BYTES, FRAMES_MAX, HARTS_MAX } from './memory-map.ts';
import { VIRTUAL_CSR_NAMES, type VirtualCsr } from './virtual-csr.ts';

/** Bytes of a sealed frame: its contents, then the authentication tag of AES-256-GCM. */
export const SEALED_FRAME_BYTES = FRAME_BYTES + 16;

export const FRAME_OPERATIONS = ['zero', 'take', 'restore'] as const;

const HART = { scalar: 'u16', from: 0, to: HARTS_MAX - 1 } as const;
const REGISTER = { oneOf: REGISTERS } as const;
const CSR = { oneOf: VIRTUAL_CSR_NAMES as readonly [VirtualCsr, ...VirtualCsr[]] } as const;
const FRAME = { scalar: 'u32', from: 0, to: FRAMES_MAX - 1 } as const;

/**
 * The ten services through which a slice drives its VM (DeHype, NDSS 2013, table 1, carried to RISC-V): `from` says who
 * sends the message, `answer` which message comes back when the call was carried out (`call.refused` when not). The
 * codec, the monitor's dispatcher, the slice's client, docs/hypelet-calls.md and the fuzzer are made from this table.
 */
export const HYPELET_CALLS = {
  'hart.init': {
    paper: 'INIT_VCPU',
    from: 'slice',
    code: 0x01,
    fields: { hart: HART },
    answer: undefined,
    does: 'Creates a hart.',
    checks: 'The launch has begun and is not finished; the machine has the hart; it was not created before.',
  },
  'hart.run': {
    paper: 'GUEST_RUN',
    from: 'slice',
    code: 0x02,
    fields: {
      hart: HART,
      exit: 'size',
      registers: { listOf: 'u64', upTo: 2 },
      microseconds: 'u32',
      sequence: 'u64',
      mac: { scalar: 'bytes', from: 0, to: GRANT_MAC_BYTES },
    },
    answer: undefined,
    does:
      'Enters the guest: for the first time (`exit` 0), or as the reply to exit `exit`. `registers` is empty, or all that the exit’s reason lets the slice change. ' +
      'The last three fields are a grant of the scheduler, which is added to the budget; with 0 microseconds the hart runs on what is left.',
    checks:
      'The launch is finished; the hart is created and does not run; `exit` is the one it waits with; as many registers as the mask says, or none; the grant’s code and sequence; some budget. ' +
      'All other state is what the monitor and the hart kept.',
  },
  'hart.exit': {
    paper: 'GUEST_RUN_POST',
    from: 'monitor',
    code: 0x03,
    fields: {
      hart: HART,
      exit: 'size',
      reason: { oneOf: EXIT_REASONS as readonly [ExitReason, ...ExitReason[]] },
      registers: { listOf: 'u64', upTo: 4 },
    },
    answer: undefined,
    does: 'The hart has left the guest: exits of a hart are numbered from 1, and `registers` is all that the reason exposes.',
    checks: 'The mask of the exit’s reason; a hart that was not entered has no exit.',
  },
  'state.read': {
    paper: 'VMREAD',
    from: 'slice',
    code: 0x04,
    fields: { hart: HART, exit: 'size', register: REGISTER },
    answer: 'state.value',
    does: 'Reads a register of the exit that a hart waits with, as the slice has written it if it has.',
    checks: '`exit` is the one the hart waits with; its reason exposes the register.',
  },
  'state.write': {
    paper: 'VMWRITE',
    from: 'slice',
    code: 0x05,
    fields: { hart: HART, exit: 'size', register: REGISTER, value: 'u64' },
    answer: undefined,
    does: 'Writes a register; the hart sees it when `hart.run` enters the guest.',
    checks: '`exit` is the one the hart waits with; its reason lets the register be changed.',
  },
  'csr.read': {
    paper: 'RDMSR',
    from: 'slice',
    code: 0x06,
    fields: { hart: HART, csr: CSR },
    answer: 'csr.value',
    does: 'Reads a virtual CSR.',
    checks: 'The hart is created; the allow-list lets the CSR be read.',
  },
  'csr.write': {
    paper: 'WRMSR',
    from: 'slice',
    code: 0x07,
    fields: { hart: HART, csr: CSR, value: 'u64' },
    answer: undefined,
    does: 'Writes a virtual CSR: `hgeip` injects an interrupt.',
    checks:
      'The hart is created; the allow-list lets the CSR be written; the line is of a device of this VM that its driver drives; no second injection within 125 ms.',
  },
  'fence.vma': {
    paper: 'INVVPID',
    from: 'slice',
    code: 0x08,
    fields: { hart: HART },
    answer: undefined,
    does: 'Flushes a hart’s translations, at its next look up from its loop at the latest.',
    checks: 'The hart is created; there is no way to name another VM’s.',
  },
  'fence.gvma': {
    paper: 'INVEPT',
    from: 'slice',
    code: 0x09,
    fields: {},
    answer: undefined,
    does: 'Flushes the translations of guest physical addresses of all harts.',
    checks: 'None is needed: it reaches the own VM alone.',
  },
  'frame.map': {
    paper: 'MAP_HVA_TO_PFN',
    from: 'slice',
    code: 0x0a,
    fields: {
      operation: { oneOf: FRAME_OPERATIONS },
      frame: FRAME,
      count: { scalar: 'u32', from: 1, to: FRAMES_MAX },
      sealed: { scalar: 'bytes', from: 0, to: SEALED_FRAME_BYTES },
    },
    answer: 'frame.mapped',
    does:
      '`zero` gives the VM `count` frames of zeros from `frame` on; `take` takes one frame back, sealed, as the answer says; `restore` gives it back from its sealed contents. ' +
      'Frames are counted from the start of RAM.',
    checks:
      'The page information table: a frame is given only while absent, taken only while present and no hart runs, and restored only from exactly what left last.',
  },
} as const;

export type HypeletCall = keyof typeof HYPELET_CALLS;
/** The calls of which the slice sends the message. */
export type SliceCall = {
  [K in HypeletCall]: (typeof HYPELET_CALLS)[K]['from'] extends 'slice' ? K : never;
}[HypeletCall];
export const SLICE_CALLS = Object.keys(HYPELET_CALLS).filter(
  (name) => HYPELET_CALLS[name as HypeletCall].from === 'slice',
) as readonly SliceCall[];

/** What the machine answers to calls, in the order in which they came. */
export const HYPELET_ANSWERS = {
  'state.value': { code: 0x0b, fields: { hart: HART, exit: 'size', register: REGISTER, value: 'u64' } },
  'csr.value': { code: 0x0c, fields: { hart: HART, csr: CSR, value: 'u64' } },
  /** `sealed`: what left of a frame that was taken, else empty. */
  'frame.mapped': {
    code: 0x0d,
    fields: {
      operation: { oneOf: FRAME_OPERATIONS },
      frame: FRAME,
      sealed: { scalar: 'bytes', from: 0, to: SEALED_FRAME_BYTES },
    },
  },
  /** The call was not carried out. `reason` is for people. */
  'call.refused': {
    code: 0x0f,
    fields: { call: { oneOf: SLICE_CALLS as readonly [SliceCall, ...SliceCall[]] }, reason: 'text' },
  },
} as const;
