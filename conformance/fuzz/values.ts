import { SPECIAL_INTEGERS, specials } from '../../packages/trusted/hardware/src/float/testing/operands.ts';
import type { Choice } from './choice.ts';

/** Register contents where instructions go wrong. */
const DOUBLES = specials('f64');
const SINGLES = specials('f32').map((bits) => bits | 0xffff_ffff_0000_0000n);

export const anyInteger = (choice: Choice): bigint =>
  choice.once(2) ? choice.pick(SPECIAL_INTEGERS) : BigInt.asUintN(64, choice.wide() >> BigInt(choice.below(64)));

/** Doubles, boxed singles, and singles whose box is broken (D, "NaN boxing of narrower values"). */
export function anyFloat(choice: Choice): bigint {
  switch (choice.below(8)) {
    case 0:
    case 1:
      return choice.pick(DOUBLES);
    case 2:
    case 3:
    case 4:
      return choice.pick(SINGLES);
    case 5:
      return BigInt(choice.bits()) | 0xffff_ffff_0000_0000n;
    case 6:
      return choice.pick(SINGLES) ^ (1n << BigInt(32 + choice.below(32)));
    default:
      return choice.wide();
  }
}
