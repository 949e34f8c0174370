import { expect, test } from 'vitest';
import { FLOAT_KEYS, FLOAT_OPERATIONS, type FloatKey, type FormatName } from './operations.ts';
import { compareFloat, createFloatInstance, difference } from './testing/compare.ts';
import { SPECIAL_INTEGERS, specials } from './testing/operands.ts';

const MODES = [0, 1, 2, 3, 4];
const instance = createFloatInstance();

function boundaryOperands(key: FloatKey): readonly bigint[] {
  if (/\.from_[iu]/.test(key)) return SPECIAL_INTEGERS;
  if (key === 'f32.from_f64') return specials('f64').concat(specials('f32').map(widened));
  return specials(key === 'f64.from_f32' ? 'f32' : (key.slice(0, 3) as FormatName));
}

const bytes = new DataView(new ArrayBuffer(8));
function widened(raw: bigint): bigint {
  bytes.setUint32(0, Number(raw));
  bytes.setFloat64(0, bytes.getFloat32(0));
  return bytes.getBigUint64(0);
}

function* tuples(list: readonly bigint[], length: number): Generator<bigint[]> {
  if (length === 0) yield [];
  else for (const rest of tuples(list, length - 1)) for (const first of list) yield [first, ...rest];
}

test.each(FLOAT_KEYS)('%s agrees with the reference on boundary operands in every rounding mode', (key) => {
  const { arity, rounds } = FLOAT_OPERATIONS[key];
  // Of triples only every third value: 32^3 of them.
  const list = boundaryOperands(key).filter((_, index) => arity < 3 || index % 3 === 0);
  const found: string[] = [];
  for (const args of tuples(list, arity))
    for (const rm of rounds ? MODES : [0]) {
      const text = difference(instance, key, args, rm);
      if (text !== undefined) found.push(text);
    }
  expect(found.slice(0, 10)).toEqual([]);
});

/** Cases that neither boundary values nor random ones are likely to hold. */
const RARE: [string, FloatKey, number[]][] = [
  // (1 + 2^-26)(1 - 2^-26 + 2^-52) = 1 + 2^-78, added to a number whose halfway point is 1: only a bit that no longer
  // fits two words says that it is past halfway.
  ['a tie broken 78 bits below', 'f64.fma', [1 + 2 ** -26, 1 - 2 ** -26 + 2 ** -52, 2 ** 53]],
  ['the same from the other side', 'f64.fma', [-(1 + 2 ** -26), 1 - 2 ** -26 + 2 ** -52, 2 ** 53 + 2]],
  ['a product far below the smallest number, with zero', 'f64.fma', [2 ** -1074, 2 ** -1074, 0]],
  ['a product of half the smallest number, with zero', 'f64.fma', [2 ** -1074, 0.5, 0]],
  ['a product beyond the largest number, brought back', 'f64.fma', [2 ** 1023, 2, -(2 ** 1023)]],
];

test.each(RARE)('%s', (_, key, values) => {
  const args = values.map((value) => {
    bytes.setFloat64(0, value);
    return bytes.getBigUint64(0);
  });
  expect(MODES.map((rm) => difference(instance, key, args, rm))).toEqual(MODES.map(() => undefined));
});

test('random operands agree with the reference', () => {
  const seed = 20_240_607;
  expect({ seed, ...compareFloat({ count: 200_000, seed }) }).toEqual({ seed, compared: 200_000, differences: [] });
});
