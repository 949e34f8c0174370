/** How the slice goes on after an exit: the run is over, or the guest is told an SBI error. */
export type ExitOutcome =
  | { readonly kind: 'end'; readonly end: 'power-off' | 'reset' | 'failed'; readonly reason: string }
  | { readonly kind: 'resume'; readonly error: bigint };

/** Errors as 64-bit patterns (SBI 2.0 §3). */
const NOT_SUPPORTED = BigInt.asUintN(64, -2n);
const INVALID_PARAMETER = BigInt.asUintN(64, -3n);

const RESET = { shutdown: 0n, coldReboot: 1n, warmReboot: 2n } as const;
const REASON = { none: 0n, systemFailure: 1n } as const;

/** System reset (SBI 2.0 §10): a7, a6, a0.. of the call. Type and reason are 32 bits wide. */
export function systemReset(values: readonly bigint[]): ExitOutcome {
  const [, fid, a0, a1] = values;
  if (fid !== 0n) return { kind: 'resume', error: NOT_SUPPORTED };
  const type = BigInt.asUintN(32, a0 ?? 0n);
  const reason = BigInt.asUintN(32, a1 ?? 0n);
  const known = reason === REASON.none || reason === REASON.systemFailure || reason >= 0xe000_0000n;
  if (!known) return { kind: 'resume', error: INVALID_PARAMETER };
  if (type === RESET.shutdown) return { kind: 'end', end: 'power-off', reason: '' };
  if (type === RESET.coldReboot || type === RESET.warmReboot) return { kind: 'end', end: 'reset', reason: '' };
  return { kind: 'resume', error: type >= 0xf000_0000n ? NOT_SUPPORTED : INVALID_PARAMETER };
}

const FINISHER = { failure: 0x3333, powerOff: 0x5555, reset: 0x7777 } as const;

/** A store to the test finisher; undefined for a value that means nothing. */
export function testFinisher(value: number): ExitOutcome | undefined {
  switch (value & 0xffff) {
    case FINISHER.powerOff:
      return { kind: 'end', end: 'power-off', reason: '' };
    case FINISHER.reset:
      return { kind: 'end', end: 'reset', reason: '' };
    case FINISHER.failure:
      return { kind: 'end', end: 'failed', reason: `The guest reported failure ${value >>> 16}` };
    default:
      return undefined;
  }
}
