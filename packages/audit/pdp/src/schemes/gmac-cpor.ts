import type { Primitives } from '@cloister/crypto';
import { addInto, addMultiple, dotProduct, ELEMENT_BYTES } from '../arithmetic/gf128.ts';
import { privateScheme } from '../families/private-scheme.ts';
import type { Scheme } from '../scheme.ts';
import type { FileDescription } from '../session/file-description.ts';
import { indexBatches } from '../session/index-batches.ts';

const TAG_BYTES = ELEMENT_BYTES;
const NONCE_BYTES = 12;

/**
 * The compact proofs of Shacham and Waters with private verification, whose tag is GMAC: over GF(2^128), and with the powers
 * of one key in the place of their independent alphas. Ours; the argument for its bound, and what that does not prove, is in
 * docs/pdp/gmac-cpor-bound.md.
 *
 *     tag        sigma_i = GMAC_K(i, m_i) = GHASH_H(m_i) + E_K(i | 1),   H = E_K(0)
 *     challenge  {(i, nu_i)}
 *     proof      mu = sum nu_i m_i,   sigma = sum nu_i sigma_i
 *     accepted   sigma = GHASH'_H(mu) + (sum nu_i) L H + sum nu_i E_K(i | 1)
 *
 * GHASH_H(m) = GHASH'_H(m) + L H, where GHASH' is linear and L is the element that tells the length, the same for all blocks: each
 * is padded with zeros to whole elements. K is this session's alone, derived from its name and so from a salt drawn for it: two
 * tags under one key and index give H away, and with it every tag. A forged proof is accepted with a probability of at most
 * (s + 1) / 2^128 an attempt for s elements a block: 2^-118 at 16 KiB, 2^-116 at 64 KiB.
 *
 * All that meets K or H runs in the platform's AES-GCM, but for a sum of products that takes the same time for all values.
 */
export function gmacCpor(primitives: Primitives): Scheme {
  return privateScheme(primitives, {
    facts: {
      name: 'gmac-cpor',
      verification: 'private',
      data: 'static',
      selections: ['sample', 'list', 'range'],
      assumption: 'AES-256 is a pseudorandom permutation; HMAC-SHA256 is a pseudorandom function',
      source: 'Ours, after Shacham and Waters, Asiacrypt 2008, and NIST SP 800-38D; not reviewed by others',
      year: 2026,
      limits: 'The one who verifies can make tags. Without an erasure code in the data, a few lost blocks go unnoticed',
    },
    tagBytes: TAG_BYTES,

    async tagger(session) {
      const gmac = primitives.gmac(await session.key('tags'));
      const { blockBytes } = session.file;
      const padded = paddedBytes(session.file);
      return async (first, blocks) => {
        const count = Math.max(1, Math.ceil(blocks.length / blockBytes));
        const tags = new Uint8Array(count * TAG_BYTES);
        for (let at = 0; at < count; at += 1) {
          let block = blocks.subarray(at * blockBytes, (at + 1) * blockBytes);
          if (block.length < padded) {
            const whole = new Uint8Array(padded);
            whole.set(block);
            block = whole;
          }
          const tag = gmac(nonceOf(first + at), block);
          // To wait for what is there takes a tenth of the time that the tag took.
          tags.set(tag instanceof Uint8Array ? tag : await tag, at * TAG_BYTES);
        }
        return tags;
      };
    },

    async prove(file, { indices, coefficients }, stored) {
      const proof = new Uint8Array(paddedBytes(file) + TAG_BYTES);
      const row = new Uint8Array(proof.length);
      const stream = coefficients();
      for (const index of indices) {
        const block = await stored.block(index);
        row.set(block);
        row.fill(0, block.length);
        row.set(await stored.tags(index * TAG_BYTES, TAG_BYTES), proof.length - TAG_BYTES);
        addMultiple(proof, await stream.bytes(ELEMENT_BYTES), row);
      }
      return proof;
    },

    async reject(session, { indices, coefficients }, proof) {
      const length = paddedBytes(session.file);
      if (proof.length !== length + TAG_BYTES) return 'malformed proof';
      const key = await session.key('tags');
      const gmac = primitives.gmac(key);

      // No index has this nonce, and no GMAC under it leaves this function; E_K(it | 1) cancels out of `linear`.
      const apart = new Uint8Array(NONCE_BYTES).fill(0xff);
      const lengthPart = await gmac(apart, new Uint8Array(length));
      const linear = await gmac(apart, proof.subarray(0, length));
      const expected = xor(linear, lengthPart);
      const lengthTerm = xor(lengthPart, await primitives.aes256Blocks(key, counterBlock(apart)));

      const sum = new Uint8Array(ELEMENT_BYTES);
      const stream = coefficients();
      for (const batch of indexBatches(indices)) {
        const counters = new Uint8Array(batch.length * ELEMENT_BYTES);
        batch.forEach((index, at) => {
          counters.set(counterBlock(nonceOf(index)), at * ELEMENT_BYTES);
        });
        const masks = await primitives.aes256Blocks(key, counters);
        const some = await stream.bytes(counters.length);
        addInto(expected, dotProduct(some, masks));
        for (let at = 0; at < some.length; at += ELEMENT_BYTES) addInto(sum, some.subarray(at, at + ELEMENT_BYTES));
      }
      addInto(expected, dotProduct(sum, lengthTerm));
      return primitives.equal(expected, proof.subarray(length)) ? undefined : 'wrong proof';
    },
  });
}

const paddedBytes = ({ blockBytes }: FileDescription): number => Math.ceil(blockBytes / ELEMENT_BYTES) * ELEMENT_BYTES;

function nonceOf(index: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  // A BigInt for it takes a tenth of the time that the tag takes.
  for (let at = NONCE_BYTES - 1, rest = index; rest > 0; at -= 1) {
    nonce[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return nonce;
}

/** What AES-GCM encrypts to mask a tag: the nonce, and 1 in 32 bits (SP 800-38D, section 7.1). */
function counterBlock(nonce: Uint8Array): Uint8Array {
  const block = new Uint8Array(ELEMENT_BYTES);
  block.set(nonce);
  block[ELEMENT_BYTES - 1] = 1;
  return block;
}

function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  const out = new Uint8Array(left);
  addInto(out, right);
  return out;
}
