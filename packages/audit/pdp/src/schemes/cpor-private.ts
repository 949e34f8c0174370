import type { Primitives } from '@cloister/crypto';
import {
  dotProduct,
  ELEMENT_BYTES,
  type Elements,
  elementsOf,
  isElement,
  SECTOR_BYTES,
  weightedSum,
} from '../arithmetic/prime-field.ts';
import { uint64 } from '../encoding.ts';
import type { PrivateSession } from '../families/private-keys.ts';
import { privateScheme } from '../families/private-scheme.ts';
import type { Scheme } from '../scheme.ts';
import type { FileDescription } from '../session/file-description.ts';
import { indexBatches } from '../session/index-batches.ts';
import { keystream } from '../session/keystream.ts';

const TAG_BYTES = ELEMENT_BYTES;

/**
 * Compact proofs of retrievability with private verification: Shacham and Waters, Asiacrypt 2008, section 3.2 ("CPOR").
 *
 *     tag        sigma_i = f_k(i) + sum_j alpha_j m_ij
 *     challenge  {(i, nu_i)}
 *     proof      mu_j = sum_i nu_i m_ij,   sigma = sum_i nu_i sigma_i
 *     accepted   sigma = sum_i nu_i f_k(i) + sum_j alpha_j mu_j
 *
 * All modulo p = 2^127 - 1, with sectors m_ij of 15 bytes and nu_i below p. (libpdp's 80-bit p, and its 80 blocks a challenge,
 * which find a loss of 1 % in 55 of 100 cases, are not offered.) f_k(i) is AES_k(0 | i) + AES_k(1 | i) over bits, cut to
 * 127: the sum of two permutations is a pseudorandom function beyond the birthday bound (Dai, Hoang and Tessaro, Crypto 2017), and
 * 460 of them are one call. The alphas are a keystream.
 * Both keys are this session's alone: of two tags under one k and index, sum_j alpha_j (m_ij - m'_ij) is known, and of as many such
 * pairs as a block has sectors the alphas. A forged proof is accepted with a probability of some 2^-127 an attempt. Where the
 * alphas and f_k(i) are used, see what `arithmetic/prime-field.ts` says of time.
 */
export function cporPrivate(primitives: Primitives): Scheme {
  /** f_k of each index, 16 bytes each. */
  const masksOf = async (session: PrivateSession) => {
    const key = await session.key('f');
    return async (indices: readonly number[]) => {
      const inputs = new Uint8Array(2 * ELEMENT_BYTES * indices.length);
      indices.forEach((index, at) => {
        for (const half of [2 * at, 2 * at + 1]) {
          inputs[half * ELEMENT_BYTES] = half & 1;
          inputs.set(uint64(index), half * ELEMENT_BYTES + 8);
        }
      });
      const halves = await primitives.aes256Blocks(key, inputs);
      const masks = new Uint8Array(inputs.length / 2);
      for (let at = 0; at < masks.length; at += 1) {
        const from = 2 * at - (at % ELEMENT_BYTES);
        masks[at] = halves[from]! ^ halves[from + ELEMENT_BYTES]!;
      }
      return masks;
    };
  };
  const alphasOf = async (session: PrivateSession): Promise<Elements> => {
    const stream = keystream(primitives, await session.key('alphas'));
    return elementsOf(await stream.bytes(sectorCount(session.file) * ELEMENT_BYTES), ELEMENT_BYTES);
  };

  return privateScheme(primitives, {
    facts: {
      name: 'cpor-private',
      verification: 'private',
      data: 'static',
      selections: ['sample', 'list', 'range'],
      assumption: 'AES-256 is a pseudorandom permutation; HMAC-SHA256 is a pseudorandom function',
      source: 'Shacham and Waters, Asiacrypt 2008, section 3.2; libpdp',
      year: 2008,
      limits: 'The one who verifies can make tags. Without an erasure code in the data, a few lost blocks go unnoticed',
    },
    tagBytes: TAG_BYTES,

    async tagger(session) {
      const f = await masksOf(session);
      const alphas = await alphasOf(session);
      const { blockBytes } = session.file;
      return async (first, blocks) => {
        const count = Math.max(1, Math.ceil(blocks.length / blockBytes));
        const tags = await f(Array.from({ length: count }, (_, at) => first + at));
        for (let at = 0; at < count; at += 1) {
          const sectors = elementsOf(blocks.subarray(at * blockBytes, (at + 1) * blockBytes), SECTOR_BYTES);
          const tag = tags.subarray(at * TAG_BYTES, (at + 1) * TAG_BYTES);
          tag.set(dotProduct(alphas, sectors, tag));
        }
        return tags;
      };
    },

    async prove(file, { indices, coefficients }, stored) {
      const sectors = sectorCount(file);
      const mu = weightedSum(sectors);
      const sigma = weightedSum(1);
      const stream = coefficients();
      for (const index of indices) {
        const nu = elementsOf(await stream.bytes(ELEMENT_BYTES), ELEMENT_BYTES);
        mu.add(nu, elementsOf(await stored.block(index), SECTOR_BYTES));
        sigma.add(nu, elementsOf(await stored.tags(index * TAG_BYTES, TAG_BYTES), ELEMENT_BYTES));
      }
      const proof = new Uint8Array((sectors + 1) * ELEMENT_BYTES);
      proof.set(mu.bytes());
      proof.set(sigma.bytes(), sectors * ELEMENT_BYTES);
      return proof;
    },

    async reject(session, { indices, coefficients }, proof) {
      const end = sectorCount(session.file) * ELEMENT_BYTES;
      if (proof.length !== end + ELEMENT_BYTES) return 'malformed proof';
      for (let at = 0; at < proof.length; at += ELEMENT_BYTES)
        if (!isElement(proof.subarray(at, at + ELEMENT_BYTES))) return 'malformed proof';

      let expected = dotProduct(await alphasOf(session), elementsOf(proof.subarray(0, end), ELEMENT_BYTES));
      const f = await masksOf(session);
      const stream = coefficients();
      for (const batch of indexBatches(indices)) {
        const masks = await f(batch);
        const nus = elementsOf(await stream.bytes(masks.length), ELEMENT_BYTES);
        expected = dotProduct(nus, elementsOf(masks, ELEMENT_BYTES), expected);
      }
      return primitives.equal(expected, proof.subarray(end)) ? undefined : 'wrong proof';
    },
  });
}

const sectorCount = ({ blockBytes }: FileDescription): number => Math.ceil(blockBytes / SECTOR_BYTES);
