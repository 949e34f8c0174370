import { FLAG } from './operations.ts';
import {
  canonicalNaN,
  type Decoded,
  decode,
  type Ordered,
  type Outcome,
  type ReferenceFormat,
} from './reference-number.ts';

/** The number as an integer in units of the format's smallest subnormal; infinities beyond all finite ones. */
function position(format: ReferenceFormat, x: Ordered): bigint {
  const smallest = format.least - (format.precision - 1);
  const magnitude =
    x.kind === 'infinite' ? 1n << BigInt(format.greatest + 1 - smallest) : x.magnitude << BigInt(x.exponent - smallest);
  return x.negative ? -magnitude : magnitude;
}

const isNotNumber = (x: Decoded): x is Extract<Decoded, { kind: 'nan' }> => x.kind === 'nan';
const signalling = (...operands: Decoded[]): boolean => operands.some((x) => isNotNumber(x) && x.signalling);

type Comparison = (format: ReferenceFormat, args: readonly bigint[]) => Outcome;

function relation(holds: (x: bigint, y: bigint) => boolean, quiet: boolean): Comparison {
  return (format, args) => {
    const [x, y] = args.map((raw) => decode(format, raw)) as [Decoded, Decoded];
    if (isNotNumber(x) || isNotNumber(y)) return { value: 0n, flags: quiet && !signalling(x, y) ? 0 : FLAG.NV };
    return { value: holds(position(format, x), position(format, y)) ? 1n : 0n, flags: 0 };
  };
}

/** IEEE 754-2019 §9.6 minimumNumber and maximumNumber; -0 is the less of the zeros. */
function extreme(pickFirst: (difference: bigint, firstNegative: boolean) => boolean): Comparison {
  return (format, args) => {
    const [x, y] = args.map((raw) => decode(format, raw)) as [Decoded, Decoded];
    const flags = signalling(x, y) ? FLAG.NV : 0;
    if (isNotNumber(x)) return { value: isNotNumber(y) ? canonicalNaN(format) : args[1]!, flags };
    if (isNotNumber(y)) return { value: args[0]!, flags };
    return { value: pickFirst(position(format, x) - position(format, y), x.negative) ? args[0]! : args[1]!, flags };
  };
}

/** The mask of RISC-V's FCLASS (chapter "F", Classify Instruction). */
const classify: Comparison = (format, args) => {
  const x = decode(format, args[0]!);
  const bit = (): number => {
    if (isNotNumber(x)) return x.signalling ? 8 : 9;
    if (x.kind === 'infinite') return x.negative ? 0 : 7;
    if (x.magnitude === 0n) return x.negative ? 3 : 4;
    const normal = x.magnitude >= 1n << BigInt(format.precision - 1);
    if (x.negative) return normal ? 1 : 2;
    return normal ? 6 : 5;
  };
  return { value: 1n << BigInt(bit()), flags: 0 };
};

export const COMPARISONS = {
  min: extreme((difference, firstNegative) => difference < 0n || (difference === 0n && firstNegative)),
  max: extreme((difference, firstNegative) => difference > 0n || (difference === 0n && !firstNegative)),
  eq: relation((x, y) => x === y, true),
  lt: relation((x, y) => x < y, false),
  le: relation((x, y) => x <= y, false),
  classify,
} satisfies Record<string, Comparison>;
