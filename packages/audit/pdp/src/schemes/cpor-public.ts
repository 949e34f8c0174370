import type { Primitives } from '@cloister/crypto';
import {
  aggregate,
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

/**
 * Compact proofs of retrievability with public verification (Shacham and Waters, Asiacrypt 2008, section 3.3) on BLS12-381.
 *
 * - KeyGen: x; v = g2^x; u_j = g1^{alpha_j} for j = 1..s.
 * - Tag: sigma_i = (H(name | i) prod_j u_j^{m_ij})^x, sectors m_ij of 31 bytes.
 * - Challenge: {(i, nu_i)}, nu_i of 128 bits.
 * - Proof: mu_j = sum nu_i m_ij, sigma = prod sigma_i^{nu_i}.
 * - Verify: e(sigma, g2) = e(prod H(name | i)^{nu_i} prod u_j^{mu_j}, v); with the secret key without pairings.
 *
 * Computational co-Diffie-Hellman, random oracle; a forged proof passes with 2^-128 more than that. A tag is 48 bytes, a proof 48 + 32 s:
 * 17 KB at 16 KiB a block. What it does not give: retrievability (that takes an erasure code around the file), privacy towards who
 * verifies (mu are linear equations in the data: PPPAS), speed: 19 MB/s of tags a core; 0.26 s to verify 460 blocks of 16 KiB with the
 * public key, most of it hashes to the curve; 50 files of one such block take 3.4 s one by one and 0.23 s at once.
 * Other than in the paper: generators of the key, not of the file (`BlsKeys` says why); an asymmetric pairing, with tags in
 * the smaller group; the challenge is expanded from a seed.
 */
export function cporPublic(primitives: Primitives): Scheme {
  return publicScheme(primitives, {
    facts: {
      name: 'cpor-public',
      verification: 'public',
      data: 'static',
      selections: ['sample', 'list', 'range'],
      assumption: 'Computational co-Diffie-Hellman on BLS12-381, random oracle',
      source: 'Shacham and Waters, Asiacrypt 2008, section 3.3',
      year: 2008,
      limits: 'Slow to tag and to verify; who verifies learns linear combinations of the data',
    },

    tagger: ({ group }, key, session) => indexTagger(group, key, session),

    async prove({ group }, _publicKey, { file }, expansion, stored) {
      return encodeAggregate(group, await aggregate(group, file, storedBlocks(expansion, stored)));
    },

    async equation({ group }, { file, name }, expansion, proof) {
      const answer = decodeAggregate(group, sectorsIn(file), proof);
      if (answer === undefined) return 'malformed proof';
      return { ...answer, hashes: await hashSum(group, indexLabels(name, expansion)) };
    },
  });
}
