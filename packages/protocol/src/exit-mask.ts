/**
 * What `state.read` and `state.write` can name: pc and the integer registers by their ABI names, then what an exit has
 * beside registers (`stored`: what was stored to the test finisher; `address`: the guest physical address of the frame
 * that is absent).
 */
export const REGISTERS = [
  'pc',
  ...(['ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'] as const),
  ...(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'] as const),
  ...(['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'] as const),
  ...(['stored', 'address'] as const),
] as const;
export type Register = (typeof REGISTERS)[number];

interface Mask {
  readonly exposes: readonly Register[];
  readonly mayChange: readonly Register[];
}

/**
 * Fidelius' shadow-and-mask: for each reason for which a hart leaves the guest towards the slice, what the slice sees and
 * what it may change, both in the order in which `hart.exit` and `hart.run` carry them. Everything else keeps its value;
 * pc advances by the instruction's length alone, and not at all for `budget` and `frame-fault`.
 */
export const EXIT_MASK = {
  /** A system reset call (SBI 2.0 §10), the only one that neither machine nor monitor answers: its two arguments. */
  sbi: { exposes: ['a7', 'a6', 'a0', 'a1'], mayChange: ['a0', 'a1'] },
  /** A store to the test finisher. */
  syscon: { exposes: ['stored'], mayChange: [] },
  /** The budget of `hart.run` is used up. */
  budget: { exposes: [], mayChange: [] },
  /** The guest touched a frame that it does not have; the instruction runs again. */
  'frame-fault': { exposes: ['address'], mayChange: [] },
} as const satisfies Readonly<Record<string, Mask>>;

export type ExitReason = keyof typeof EXIT_MASK;
export const EXIT_REASONS = Object.keys(EXIT_MASK) as readonly ExitReason[];

export const exitMask = (reason: ExitReason): Mask => EXIT_MASK[reason];
