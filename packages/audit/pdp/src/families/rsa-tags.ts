import type { Answer, Primitives } from '@cloister/crypto';
import { numberFrom } from '../arithmetic/modular.ts';
import { productOfPowers } from '../arithmetic/product-of-powers.ts';
import { weightedSum } from '../arithmetic/weighted-sum.ts';
import type { BlockTagger, StoredFile } from '../scheme.ts';
import { challengeSecret, type Expansion } from '../session/challenge.ts';
import { indexBatches } from '../session/index-batches.ts';
import { indexedKeystreams, type Keystream, keystream } from '../session/keystream.ts';
import type { PrivateSession } from './private-keys.ts';
import type { RsaGroup, RsaOwner } from './rsa-group.ts';

const DIGEST_BYTES = 32;
/** So many bytes more than N has make a hash of N's size that is off from a uniform one by 2^-128. */
const EXCESS_BYTES = 16;

// What the schemes whose tags are T_i = (h(W_i) g^m_i)^d mod N have in common (Ateniese et al., CCS 2007).
//
// Time. Exponents that depend on p'q', d, e or s go through the platform's constant-time code, and through
// arithmetic/reduce-by.ts, which has one pattern whatever the values. BigInt and products of powers see N, tags, coefficients, g^m and h(W_i).
// The paper's variant with public verification gives every h(W_i) away, so that how long a product of them takes gives no more; and
// g^m can be computed by whoever has the block.

/** The next a_j: each 128 bits of a challenge's stream, or 1. */
export type Coefficients = (stream: Keystream, count: number) => Promise<readonly Uint8Array[]>;

/** r_i with h(W_i) = r_i^2 mod N: a keystream's bytes for index i under this session's v. */
async function hashRoots(
  primitives: Primitives,
  session: PrivateSession<RsaGroup>,
): Promise<(indices: readonly number[]) => Promise<readonly Uint8Array[]>> {
  const v = await session.key('v');
  const { bytes } = session.parts;
  return (indices) => indexedKeystreams(primitives, v, indices, bytes + EXCESS_BYTES);
}

/** T_i = (h(W_i) g^m)^d mod N, where a block's number m is what `numberOf` makes of it, of any length. */
export async function rsaTagger(
  primitives: Primitives,
  session: PrivateSession<RsaOwner>,
  numberOf: (index: number, block: Uint8Array) => Answer<Uint8Array> = (_index, block) => block,
): Promise<BlockTagger> {
  const { bytes, modulus, generator, power, root, reduce, toBytes } = session.parts;
  const { blockBytes } = session.file;
  const rootsOf = await hashRoots(primitives, session);
  return async (first, blocks) => {
    const count = Math.max(1, Math.ceil(blocks.length / blockBytes));
    const roots = await rootsOf(Array.from({ length: count }, (_, at) => first + at));
    const tags = new Uint8Array(count * bytes);
    for (let at = 0; at < count; at += 1) {
      const m = await numberOf(first + at, blocks.subarray(at * blockBytes, (at + 1) * blockBytes));
      const r = numberFrom(roots[at]!) % modulus;
      const gm = numberFrom(await power(generator, reduce(m)));
      tags.set(await root(toBytes((((r * r) % modulus) * gm) % modulus)), at * bytes);
    }
    return tags;
  };
}

/** s, odd so that a proof's T and -T differ, and as long as N. */
export async function secretExponent(primitives: Primitives, { bytes }: RsaGroup, seed: Uint8Array) {
  const s = await keystream(primitives, await challengeSecret(primitives, seed, 's')).bytes(bytes);
  s[bytes - 1]! |= 1;
  return s;
}

/** g_s = g^s, which goes to the prover. */
export async function challengeElement(primitives: Primitives, group: RsaGroup, seed: Uint8Array): Promise<Uint8Array> {
  return group.power(group.generator, await secretExponent(primitives, group, seed));
}

/** T | rho: T = prod T_i^a_i mod N and rho = H(g_s^(sum a_i m_i)); undefined if g_s is no number below N. */
export async function proveRsa(
  primitives: Primitives,
  group: RsaGroup,
  { indices, coefficients }: Expansion,
  { stored, blockBytes, gs }: { readonly stored: StoredFile; readonly blockBytes: number; readonly gs: Uint8Array },
  coefficient: Coefficients,
): Promise<Uint8Array | undefined> {
  if (group.element(gs) === undefined) return undefined;
  const { bytes, modulus } = group;
  const sum = weightedSum(blockBytes);
  const stream = coefficients();
  let t = 1n;
  for (const batch of indexBatches(indices)) {
    const a = await coefficient(stream, batch.length);
    const tags: Uint8Array[] = [];
    for (const [at, index] of batch.entries()) {
      tags.push((await stored.tags(index * bytes, bytes)).slice());
      sum.add(a[at]!, await stored.block(index));
    }
    t = (t * productOfPowers(modulus, tags, a)) % modulus;
  }
  const proof = new Uint8Array(bytes + DIGEST_BYTES);
  proof.set(group.toBytes(t));
  proof.set(await primitives.sha256(await group.power(gs, sum.bytes())), bytes);
  return proof;
}

/** The two parts of a proof of the right length with 0 < T < N, or undefined. */
export function openRsaProof(
  { bytes, element }: RsaGroup,
  proof: Uint8Array,
): { readonly t: Uint8Array; readonly rho: Uint8Array } | undefined {
  const t = proof.subarray(0, bytes);
  return proof.length === bytes + DIGEST_BYTES && element(t) !== undefined
    ? { t, rho: proof.subarray(bytes) }
    : undefined;
}

/** tau = T^e / prod h(W_i)^a_i mod N. */
export async function tauOf(
  primitives: Primitives,
  session: PrivateSession<RsaOwner>,
  { indices, coefficients }: Expansion,
  t: Uint8Array,
  coefficient: Coefficients,
): Promise<Uint8Array> {
  const { modulus, power, e, inverse, toBytes } = session.parts;
  const rootsOf = await hashRoots(primitives, session);
  const stream = coefficients();
  let r = 1n;
  for (const batch of indexBatches(indices))
    r = (r * productOfPowers(modulus, await rootsOf(batch), await coefficient(stream, batch.length))) % modulus;
  return toBytes((numberFrom(await power(t, e)) * inverse((r * r) % modulus)) % modulus);
}

/** The coefficients of A-PDP and MR-PDP. */
export const coefficient128: Coefficients = async (stream, count) => {
  const drawn = await stream.bytes(16 * count);
  return Array.from({ length: count }, (_, at) => drawn.subarray(16 * at, 16 * (at + 1)));
};
