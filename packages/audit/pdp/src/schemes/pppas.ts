import type { Primitives } from '@cloister/crypto';
import type { Curve, G1, Scalar } from '../arithmetic/curve.ts';
import { ascii, joined } from '../encoding.ts';
import type { BlsKey } from '../families/bls-keys.ts';
import {
  aggregate,
  dataPoint,
  decodeAggregate,
  encodeAggregate,
  hashSum,
  indexLabels,
  indexTagger,
  sectorsIn,
  storedBlocks,
} from '../families/bls-tags.ts';
import { publicScheme } from '../families/public-scheme.ts';
import type { Scheme } from '../scheme.ts';

/** Reduced modulo the order, so many random bytes are uniform but for 2^-128. */
const WIDE_BYTES = 48;

/**
 * Privacy-preserving public auditing (Wang, Chow, Wang, Ren and Lou, INFOCOM 2010; IEEE TC 62(2), 2013), in the later paper's
 * zero-knowledge form: tags are CPOR's, and the proof is one of knowledge of a proof of CPOR's.
 *
 * - KeyGen, Tag, Challenge: as in CPOR: sigma_i = (H(name | i) prod_j u_j^{m_ij})^x.
 * - Proof: mu'_j = sum nu_i m_ij and sigma = prod sigma_i^{nu_i}, as there. Masks rho, r, r_1, ..., r_s; Sigma = sigma g1^rho;
 *   R = e(prod u_j^{r_j}, v) e(g1^r, g2); gamma = h(v | R | Sigma | challenge); zeta = r + gamma rho; mu_j = r_j + gamma mu'_j.
 * - Verify: R = e((prod H(name | i)^{nu_i})^gamma prod u_j^{mu_j}, v) e(g1^zeta Sigma^{-gamma}, g2) hashes to gamma.
 *
 * Sound as CPOR is: two answers to one (R, Sigma) with different gamma give rho, mu' and so a sigma that CPOR's equation holds for (forking;
 * co-Diffie-Hellman, random oracle). Zero knowledge in the random oracle model: Sigma is uniform, and who chooses gamma, zeta,
 * mu and Sigma computes the R that fits. A proof is 112 + 32 s bytes. What it does not give: retrievability; privacy of what tags say, to
 * who has them and guesses the block: the server must keep them to itself.
 *
 * Other than in the papers: sectors; gamma is a hash of the whole transcript and not of R alone; the proof holds gamma in the place of R (32
 * bytes and not 576, and no element of the target group to be checked), as Schnorr's may. So many files are not
 * verified as one, as they are with CPOR (`verifyBatch`): that takes R. INFOCOM's form shows sigma, against
 * which an auditor tries guesses of what a block holds; it is not here.
 */
export function pppas(primitives: Primitives): Scheme {
  /** h: a scalar from all that was said. */
  async function gammaOf(group: Curve, key: BlsKey, r: Uint8Array, sigma: G1, message: Uint8Array): Promise<Scalar> {
    const v = key.kind === 'public' ? key.v : group.multiplyG2(group.g2, key.x);
    const transcript = joined([ascii('pppas gamma '), group.encodeG2(v), r, group.encodeG1(sigma), message]);
    const halves = [0, 1].map((half) => primitives.sha256(Uint8Array.of(half), transcript));
    return group.scalar.reduce(joined(await Promise.all(halves)).subarray(0, WIDE_BYTES));
  }

  return publicScheme(primitives, {
    facts: {
      name: 'pppas',
      verification: 'public',
      data: 'static',
      selections: ['sample', 'list', 'range'],
      assumption: 'Computational co-Diffie-Hellman on BLS12-381, random oracle',
      source: 'Wang, Chow, Wang, Ren and Lou, INFOCOM 2010; IEEE Transactions on Computers 62(2), 2013',
      year: 2010,
      limits: 'Slow to tag and to verify; a proof says nothing of the data, but tags let their holder try guesses',
    },

    tagger: ({ group }, key, session) => indexTagger(group, key, session),

    async prove({ group, openPublic }, publicKey, { file }, expansion, stored, message) {
      const key = await openPublic(publicKey);
      if (sectorsIn(file) > key.sectors) return undefined;
      const { mu, sigma } = await aggregate(group, file, storedBlocks(expansion, stored));
      const { add, multiply } = group.scalar;
      const random = () => group.scalar.reduce(primitives.random(WIDE_BYTES));
      const [rho, r] = [random(), random()];
      const masks = mu.map(random);
      const blinded = group.add(sigma, group.multiply(group.g1, rho));
      const target = group.pairings(group.multiply(group.g1, r), dataPoint(group, key, masks), key.v);
      const gamma = await gammaOf(group, key, target, blinded, message);
      const zeta = add(r, multiply(gamma, rho));
      const masked = mu.map((value, at) => add(masks[at]!, multiply(gamma, value)));
      return encodeAggregate(group, { sigma: blinded, mu: [gamma, zeta, ...masked] });
    },

    async reject({ group }, key, { file, name }, expansion, proof, message) {
      const opened = decodeAggregate(group, sectorsIn(file) + 2, proof);
      if (opened === undefined) return 'malformed proof';
      const { sigma } = opened;
      const [gamma, zeta, ...mu] = opened.mu as [Scalar, Scalar, ...Scalar[]];
      const left = group.sum([group.g1, sigma], [zeta, group.scalar.negate(gamma)]);
      const hashes = await hashSum(group, indexLabels(name, expansion));
      const right = group.add(group.multiply(hashes, gamma), dataPoint(group, key, mu));
      const target =
        key.kind === 'public'
          ? group.pairings(left, right, key.v)
          : group.pairings(left, group.multiply(right, key.x), group.g2);
      const expected = await gammaOf(group, key, target, sigma, message);
      return primitives.equal(group.scalar.encode(expected), group.scalar.encode(gamma)) ? undefined : 'wrong proof';
    },
  });
}
