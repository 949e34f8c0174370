import { type Curve, type G1, G1_BYTES, SCALAR_BYTES, type Scalar } from '../arithmetic/curve.ts';
import { COEFFICIENT_BYTES, scalarProducts, sectorSums, sectorsOf } from '../arithmetic/sector-sums.ts';
import { joined, uint64 } from '../encoding.ts';
import type { BlockTagger, StoredFile } from '../scheme.ts';
import type { Expansion } from '../session/challenge.ts';
import type { FileDescription } from '../session/file-description.ts';
import type { Keystream } from '../session/keystream.ts';
import type { BlsKey, BlsSecretKey } from './bls-keys.ts';

/** Hashes that are added to a sum at once, so that memory does not grow with a challenge. */
const BATCH = 1024;

/** nu_i, as the bytes of a challenge's stream: 128 bits, least significant byte first. */
export const takeCoefficient = (stream: Keystream): Promise<Uint8Array> => stream.bytes(COEFFICIENT_BYTES);

/** What H hashes for a block, and the block's coefficient in a challenge. */
export interface Labelled {
  readonly label: Uint8Array;
  readonly coefficient: Uint8Array;
}

/** H's message name | i, with the coefficient, of each block that is asked for. */
export async function* indexLabels(name: Uint8Array, { indices, coefficients }: Expansion): AsyncGenerator<Labelled> {
  const stream = coefficients();
  for (const index of indices) yield { label: indexLabel(name, index), coefficient: await takeCoefficient(stream) };
}

const indexLabel = (name: Uint8Array, index: number): Uint8Array => joined([name, uint64(index)]);

/** Each block that is asked for, with its tag and its coefficient. */
export async function* storedBlocks(
  { indices, coefficients }: Expansion,
  stored: StoredFile,
): AsyncGenerator<{ readonly coefficient: Uint8Array; readonly block: Uint8Array; readonly tag: Uint8Array }> {
  const stream = coefficients();
  for (const index of indices)
    yield {
      coefficient: await takeCoefficient(stream),
      block: await stored.block(index),
      tag: await stored.tags(index * G1_BYTES, G1_BYTES),
    };
}

/**
 * sigma_i = (H(label) prod u_j^{m_ij})^x, as the owner computes it who knows alpha: H(label)^x g1^{x sum alpha_j m_ij}, one hash to
 * the curve and a sum of two terms, whatever the number of sectors.
 */
export function blockSigner(group: Curve, key: BlsSecretKey): (label: Uint8Array, block: Uint8Array) => Uint8Array {
  const products = scalarProducts(key.alpha.map((alpha) => group.scalar.encode(alpha).reverse()));
  return (label, block) => {
    const exponent = group.scalar.multiply(key.x, group.scalar.reduce(products.of(block)));
    return group.encodeG1(group.sum([group.hashToG1(label), group.g1], [key.x, exponent]));
  };
}

/** sigma_i under the label name | i. */
export function indexTagger(
  group: Curve,
  key: BlsSecretKey,
  { file, name }: { readonly file: FileDescription; readonly name: Uint8Array },
): BlockTagger {
  const sign = blockSigner(group, key);
  return (first, blocks) => joined(cut(file, blocks).map((block, at) => sign(indexLabel(name, first + at), block)));
}

/** The blocks that lie one after the other: at least one, which may be empty. */
export function cut({ blockBytes }: FileDescription, blocks: Uint8Array): readonly Uint8Array[] {
  const count = Math.max(1, Math.ceil(blocks.length / blockBytes));
  return Array.from({ length: count }, (_, at) => blocks.subarray(at * blockBytes, (at + 1) * blockBytes));
}

/** The sectors that a block of this file can have; a short file's proofs are short. */
export const sectorsIn = ({ blockBytes, length }: FileDescription): number => sectorsOf(Math.min(blockBytes, length));

/** mu_j = sum of nu_i m_ij, and sigma = prod of sigma_i^{nu_i}. */
export interface Aggregate {
  readonly mu: readonly Scalar[];
  readonly sigma: G1;
}

/**
 * A prover's answer. Tags are not checked to be in the group, which takes four times as long as the rest of it: whose tags were
 * replaced gives a proof that its verifier refuses, and there is no secret here that it could be wrong about.
 */
export async function aggregate(
  group: Curve,
  file: FileDescription,
  blocks: AsyncIterable<{ readonly coefficient: Uint8Array; readonly block: Uint8Array; readonly tag: Uint8Array }>,
): Promise<Aggregate> {
  const sums = sectorSums(sectorsIn(file));
  const tags = runningSum(group);
  for await (const { coefficient, block, tag } of blocks) {
    sums.add(coefficient, block.subarray(0, file.blockBytes));
    const point = group.decodeAnyG1(tag);
    if (point !== undefined) tags.add(point, group.scalar.reduce(coefficient));
  }
  return { mu: sums.sums().map(group.scalar.reduce), sigma: tags.total() };
}

/** What is to hold between tags, data and hashes: sigma = (hashes prod u_j^{mu_j})^x, with hashes = prod H(label_i)^{nu_i}. */
export interface Equation extends Aggregate {
  readonly hashes: G1;
}

/**
 * Whether it holds: with the public key by pairings, e(sigma, g2) = e(hashes prod u_j^{mu_j}, v), with the secret one as it stands and
 * without the sum over u_j, since prod u_j^{mu_j} = g1^{sum alpha_j mu_j}.
 */
export function holds(group: Curve, key: BlsKey, { hashes, mu, sigma }: Equation): boolean {
  const point = group.add(hashes, dataPoint(group, key, mu));
  return key.kind === 'secret'
    ? group.equal(sigma, group.multiply(point, key.x))
    : group.pairingsAgree(sigma, point, key.v);
}

/**
 * Many equations as one, each to the power of its weight (Bellare, Garay and Rabin, Eurocrypt 1998: with weights of 128 random bits, in a
 * group of prime order, wrong ones make a right one with 2^-128).
 */
export function combined(group: Curve, equations: readonly Equation[], weights: readonly Scalar[]): Equation {
  const { add, multiply } = group.scalar;
  const mu: Scalar[] = [];
  equations.forEach((equation, at) => {
    equation.mu.forEach((value, sector) => {
      const term = multiply(value, weights[at]!);
      mu[sector] = mu[sector] === undefined ? term : add(mu[sector], term);
    });
  });
  return {
    mu,
    hashes: group.sum(
      equations.map(({ hashes }) => hashes),
      weights,
    ),
    sigma: group.sum(
      equations.map(({ sigma }) => sigma),
      weights,
    ),
  };
}

/** prod H(label_i)^{nu_i} */
export async function hashSum(group: Curve, labels: AsyncIterable<Labelled>): Promise<G1> {
  const sum = runningSum(group);
  for await (const { label, coefficient } of labels) sum.add(group.hashToG1(label), group.scalar.reduce(coefficient));
  return sum.total();
}

/** prod u_j^{mu_j} */
export function dataPoint(group: Curve, key: BlsKey, mu: readonly Scalar[]): G1 {
  if (key.kind === 'public') return group.sum(key.u.slice(0, mu.length), mu);
  const { add, multiply } = group.scalar;
  return group.multiply(
    group.g1,
    mu.map((value, at) => multiply(value, key.alpha[at]!)).reduce((sum, term) => add(sum, term)),
  );
}

/** sigma and mu_1, ..., mu_s one after the other. */
export const encodeAggregate = (group: Curve, { mu, sigma }: Aggregate): Uint8Array =>
  joined([group.encodeG1(sigma), ...mu.map(group.scalar.encode)]);

export const aggregateBytes = (sectors: number): number => G1_BYTES + sectors * SCALAR_BYTES;

/** Of exactly so many sectors, sigma in the group and no identity, all mu_j below the order; or undefined. */
export function decodeAggregate(group: Curve, sectors: number, bytes: Uint8Array): Aggregate | undefined {
  if (bytes.length !== aggregateBytes(sectors)) return undefined;
  const sigma = group.decodeG1(bytes.subarray(0, G1_BYTES));
  const mu: Scalar[] = [];
  for (let at = G1_BYTES; at < bytes.length; at += SCALAR_BYTES) {
    const value = group.scalar.decode(bytes.subarray(at, at + SCALAR_BYTES));
    if (value === undefined) return undefined;
    mu.push(value);
  }
  return sigma && { mu, sigma };
}

/** A sum of points times scalars, taken in batches. */
function runningSum(group: Curve): { add(point: G1, scalar: Scalar): void; total(): G1 } {
  let points: G1[] = [];
  let scalars: Scalar[] = [];
  let sum = group.sum([], []);
  function take(): void {
    sum = group.add(sum, group.sum(points, scalars));
    points = [];
    scalars = [];
  }
  return {
    add(point, scalar) {
      points.push(point);
      scalars.push(scalar);
      if (points.length === BATCH) take();
    },
    total() {
      take();
      return sum;
    },
  };
}
