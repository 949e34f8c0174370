import { bls12_381 as peer } from '@noble/curves/bls12-381.js';
import { beforeAll, expect, test } from 'vitest';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { type Curve, curve, HASH_TO_CURVE_TAG } from './curve.ts';

const { random } = seededPrimitives('curve 1');
const ORDER = peer.fields.Fr.ORDER;
const Point1 = peer.G1.Point;
const Point2 = peer.G2.Point;
let group: Curve;
beforeAll(async () => {
  group = await curve();
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const big = (bytes: Uint8Array): bigint => BigInt(`0x0${hex(bytes)}`);
const scalarOf = (value: bigint) => group.scalar.decode(fromHex(value.toString(16).padStart(64, '0')));
const randomScalar = () => group.scalar.reduce(random(48));

test('points, scalars and hashes are those of another library (seed "curve 1")', () => {
  expect(hex(group.encodeG1(group.g1))).toBe(Point1.BASE.toHex(true));
  expect(hex(group.encodeG2(group.g2))).toBe(Point2.BASE.toHex(true));
  for (let round = 0; round < 4; round += 1) {
    const scalars = [randomScalar(), randomScalar(), randomScalar()];
    const values = scalars.map((scalar) => big(group.scalar.encode(scalar)));
    const message = random(round * 40);
    const hashed = group.hashToG1(message);
    const theirs = peer.G1.hashToCurve(message, { DST: HASH_TO_CURVE_TAG });
    expect(hex(group.encodeG1(hashed))).toBe(theirs.toHex(true));
    const points = [group.g1, hashed, group.multiply(hashed, scalars[2]!)];
    const sum = Point1.BASE.multiply(values[0]!)
      .add(theirs.multiply(values[1]!))
      .add(theirs.multiply(values[2]!).multiply(values[2]!));
    expect(hex(group.encodeG1(group.sum(points, scalars)))).toBe(sum.toHex(true));
    expect(hex(group.encodeG2(group.multiplyG2(group.g2, scalars[0]!)))).toBe(
      Point2.BASE.multiply(values[0]!).toHex(true),
    );
  }
});

test('pairings agree as those of another library do', () => {
  const [a, b] = [randomScalar(), randomScalar()];
  const q = group.multiplyG2(group.g2, a);
  const [left, right] = [group.multiply(group.g1, group.scalar.multiply(a, b)), group.multiply(group.g1, b)];
  expect(group.pairingsAgree(left, right, q)).toBe(true);
  expect(group.pairingsAgree(right, left, q)).toBe(false);
  const theirs = (point: typeof left) => Point1.fromHex(hex(group.encodeG1(point)));
  const one = peer.fields.Fp12.ONE;
  const product = peer.pairingBatch([
    { g1: theirs(left), g2: Point2.BASE },
    { g1: theirs(group.negate(right)), g2: Point2.fromHex(hex(group.encodeG2(q))) },
  ]);
  expect(peer.fields.Fp12.eql(product, one)).toBe(true);
  expect(hex(group.pairings(left, right, q))).not.toBe(hex(group.pairings(right, left, q)));
  expect(hex(group.pairings(left, group.negate(right), q))).toBe(
    hex(group.pairings(group.multiply(group.g1, scalarOf(0n)!), group.multiply(group.g1, scalarOf(0n)!), q)),
  );
});

test('scalars are below the order, and any bytes are reduced', () => {
  expect(scalarOf(ORDER)).toBeUndefined();
  expect(scalarOf(2n ** 256n - 1n)).toBeUndefined();
  expect(big(group.scalar.encode(scalarOf(ORDER - 1n)!))).toBe(ORDER - 1n);
  for (const length of [0, 1, 31, 33])
    expect(length === 32 || group.scalar.decode(new Uint8Array(length))).toBe(undefined);
  for (const length of [0, 1, 31, 32, 33, 48, 63, 64, 65, 66, 100, 200])
    for (const bytes of [random(length), new Uint8Array(length).fill(255)])
      expect(big(group.scalar.encode(group.scalar.reduce(bytes)))).toBe(big(bytes.slice().reverse()) % ORDER);
});

test('no decoder takes what is not the encoding of a point of the group', () => {
  const good = group.encodeG1(group.hashToG1(random(9)));
  const bad: Record<string, Uint8Array> = {
    identity: fromHex('c0'.padEnd(96, '0')),
    'identity with a sign': fromHex('e0'.padEnd(96, '0')),
    'identity with more': fromHex(`${'c0'.padEnd(94, '0')}01`),
    'identity, uncompressed': fromHex('40'.padEnd(96, '0')),
    'no flags': good.map((byte, at) => (at === 0 ? byte & 0x1f : byte)),
    'flag of the identity': good.map((byte, at) => (at === 0 ? byte | 0x40 : byte)),
    zero: new Uint8Array(48),
    ones: new Uint8Array(48).fill(255),
    short: good.subarray(0, 47),
    long: Uint8Array.of(...good, 0),
    empty: new Uint8Array(0),
  };
  const p = peer.fields.Fp.ORDER;
  const encodeX = (x: bigint) => fromHex((x | (1n << 383n)).toString(16).padStart(96, '0'));
  // x + p has 382 bits at most, so small x could be written twice.
  for (let x = 0n; x < 40n; x += 1n) bad[`x = p + ${x}`] = encodeX(x + p);
  for (const [what, bytes] of Object.entries(bad)) {
    expect(group.decodeG1(bytes), what).toBeUndefined();
    if (what !== 'identity') expect(group.decodeAnyG1(bytes), what).toBeUndefined();
  }
  expect(group.decodeG1(good)).toBeDefined();

  // Most points of the curve are not in the group: its cofactor is 2^125 and more. x = 0 is of order 3.
  let outside = 0;
  let off = 0;
  for (let x = 0n; x < 40n; x += 1n) {
    const bytes = encodeX(x);
    const { Fp } = peer.fields;
    const square = Fp.add(Fp.pow(x, 3n), 4n);
    const theirs = Fp.eql(Fp.pow(square, (p - 1n) / 2n), 1n);
    expect(group.decodeAnyG1(bytes) !== undefined, `x = ${x}`).toBe(theirs);
    expect(group.decodeG1(bytes), `x = ${x}`).toBeUndefined();
    if (theirs) outside += 1;
    else off += 1;
  }
  expect(outside).toBeGreaterThan(10);
  expect(off).toBeGreaterThan(10);
  const order3 = group.decodeAnyG1(encodeX(0n))!;
  expect(group.equal(group.add(order3, order3), group.negate(order3))).toBe(true);

  const good2 = group.encodeG2(group.multiplyG2(group.g2, randomScalar()));
  expect(group.decodeG2(good2)).toBeDefined();
  expect(group.decodeG2(fromHex('c0'.padEnd(192, '0')))).toBeUndefined();
  for (const length of [0, 95]) expect(group.decodeG2(good2.subarray(0, length))).toBeUndefined();
  for (let at = 0; at < 96; at += 7)
    expect(group.decodeG2(good2.map((byte, place) => (place === at ? byte ^ 4 : byte)))).toBeUndefined();
});

test('a sum has as many terms as it has', () => {
  const scalar = randomScalar();
  const point = group.hashToG1(random(3));
  for (const count of [0, 1, 2, 1023, 1024, 1025, 2050]) {
    const sum = group.sum(
      Array.from({ length: count }, () => point),
      Array.from({ length: count }, () => scalar),
    );
    const expected = group.multiply(point, group.scalar.multiply(scalar, scalarOf(BigInt(count))!));
    expect(group.equal(sum, expected), `${count}`).toBe(true);
  }
});
