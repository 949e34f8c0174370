import type { Primitives } from '@cloister/crypto';
import { decodeRecord, encodeRecord, joined, uint64 } from '../encoding.ts';
import { SEALED_BYTES } from '../families/deterministic-encryption.ts';
import { type TokenSettings, tokenIndices, tokenSchedule } from '../families/token-schedule.ts';
import { isTokenSettings, tokenScheme } from '../families/token-scheme.ts';
import type { Scheme } from '../scheme.ts';
import { blockCount } from '../session/file-description.ts';
import { wholeBlocks } from '../session/whole-blocks.ts';

const VALUE_BYTES = 32;

/**
 * Scalable and efficient provable data possession ("SEPDP"): Ateniese, Di Pietro, Mancini and Tsudik, SecureComm 2008, section 4.
 * Challenges are computed before the file is handed over, and each is used once.
 *
 *     tag        for each token i: k_i = f_W(i), c_i = f_Z(i), v_i = H(c_i, D[pi_k_i(1)], ..., D[pi_k_i(r)]), v'_i = AE_K(i | v_i)
 *     challenge  (k_i, c_i)
 *     proof      (z, v'_i), z computed as v_i
 *     accepted   AE_K^-1(v'_i) = (i, z)
 *
 * Hashes, a pseudorandom function and authenticated encryption alone; the verifier computes next to nothing. The prover reads r blocks, of
 * which a loss of 1 % is found with 99 % at r = 460. t = 365 tokens of 64 bytes lie with the storage; when they are
 * used up, the file is tagged again, which reads it once and hashes t r blocks.
 *
 * **A token is used once.** Who has seen its challenge can keep 32 bytes and lose the data. Which tokens are used the scheme does not
 * know: it is the verifier's state, kept where a rollback is noticed, and a token counts as used before its challenge is
 * sent, whatever comes back. For the same reason the challenge's seed is of no use here.
 *
 * Other than in the paper: the blocks are hashed in ascending order, so that one pass over the file makes all tokens, and as a
 * chain, v <- SHA-256(v | D[j]) from c_i on; AE is deterministic, with i in its header; and K, W, Z are the session's alone, so that a
 * token is bound to the file. (libpdp's tokens are bound to no index, and any old pair (z, v') passes for each challenge.)
 */
export function sepdp(primitives: Primitives, settings: Partial<TokenSettings> = {}): Scheme {
  return tokenScheme<TokenSettings>(primitives, settings, {
    facts: {
      name: 'sepdp',
      verification: 'private',
      data: 'static',
      selections: ['token'],
      assumption: 'SHA-256 is collision-resistant; HMAC-SHA256 is a pseudorandom function',
      source: 'Ateniese, Di Pietro, Mancini and Tsudik, SecureComm 2008; libpdp',
      year: 2008,
      limits:
        'As many challenges as there are tokens, each once; which blocks they ask for is settled when the file is tagged',
    },
    state: (extra) => decodeRecord(isTokenSettings, extra),

    async tag({ file, question, encryption }, { tokens, blocksPerToken }, { source, out }) {
      const questions = await Promise.all(Array.from({ length: tokens }, (_, token) => question(token)));
      const values = questions.map(({ c }) => c);
      const asking = await tokenSchedule(
        primitives,
        questions.map(({ k }) => k),
        blockCount(file),
        { tokens, blocksPerToken },
      );
      for await (const { first, blocks } of wholeBlocks(file, source))
        for (let at = 0; at === 0 || at < blocks.length; at += file.blockBytes)
          for (const token of asking(first + at / file.blockBytes))
            values[token] = await primitives.sha256(values[token]!, blocks.subarray(at, at + file.blockBytes));
      const sealed: Uint8Array[] = [];
      for (const [token, value] of values.entries()) sealed.push(await encryption.seal(uint64(token), value));
      await out.write(joined(sealed));
      return encodeRecord({ tokens, blocksPerToken });
    },

    async prove({ file, state }, { token, k, c }, stored) {
      let z = c;
      for (const index of await tokenIndices(primitives, k, blockCount(file), state))
        z = await primitives.sha256(z, await stored.block(index));
      return joined([z, await stored.tags(token * SEALED_BYTES, SEALED_BYTES)]);
    },

    async reject({ encryption }, _settings, token, proof) {
      if (proof.length !== VALUE_BYTES + SEALED_BYTES) return 'malformed proof';
      const value = await encryption.open(uint64(token), proof.subarray(VALUE_BYTES));
      return value !== undefined && primitives.equal(value, proof.subarray(0, VALUE_BYTES)) ? undefined : 'wrong proof';
    },
  }).scheme;
}
