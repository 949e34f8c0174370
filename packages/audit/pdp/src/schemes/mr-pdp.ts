import type { Primitives } from '@cloister/crypto';
import { weightedSum } from '../arithmetic/weighted-sum.ts';
import { uint64 } from '../encoding.ts';
import { type PrivateSession, privateKeys } from '../families/private-keys.ts';
import { privateScheme } from '../families/private-scheme.ts';
import { rsaKeys } from '../families/rsa-group.ts';
import {
  challengeElement,
  coefficient128,
  openRsaProof,
  proveRsa,
  rsaTagger,
  secretExponent,
  tauOf,
} from '../families/rsa-tags.ts';
import { PdpError } from '../pdp-error.ts';
import type { Scheme } from '../scheme.ts';
import { blockCount, blockLength, type FileDescription } from '../session/file-description.ts';
import { indexBatches } from '../session/index-batches.ts';
import { indexedKeystream } from '../session/keystream.ts';
import { wholeBlocks } from '../session/whole-blocks.ts';

const NAME = 'mr-pdp';

/** A scheme for several copies of one file, each at a store of its own, that share the file's tags. */
export interface ReplicaScheme extends Scheme {
  /** The five functions for one copy; those of the scheme itself are for copy 0. Tag makes the same tags for all. */
  ofReplica(number: number): Scheme;
  /** Bytes of a block of a copy: one more than the file's. All blocks have that length. */
  replicaBlockBytes(file: FileDescription): number;
  /**
   * A copy as its store keeps it, from the file. Copies may be made at any time, with no new tags.
   * @throws PdpError `key`, `length`
   */
  replica(
    secretKey: Uint8Array,
    file: FileDescription,
    number: number,
    source: AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array>;
  /**
   * The file from a copy. What was changed in it gives other bytes, and no error: verify it before.
   * @throws PdpError `key`, `length`
   */
  recover(
    secretKey: Uint8Array,
    file: FileDescription,
    number: number,
    replica: AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array>;
}

/**
 * Multiple-replica PDP: Curtmola, Khan, Burns and Ateniese, ICDCS 2008 ("MR-PDP").
 *
 *     encrypted  b = Enc_K(F)
 *     tag        T_i = (h(W_i) g^b_i)^d mod N, once for all copies
 *     copy u     m_ui = b_i + r_ui over the integers,   r_ui = PRF_z(u, i), as long as a block
 *     challenge  copy u, indices, a_i of 128 bits,   g_s = g^s
 *     proof      T = prod T_i^a_i mod N,   rho = H(g_s^(sum a_i m_ui))
 *     accepted   H((tau g^(sum a_i r_ui))^s) = rho,   tau = T^e / prod h(W_i)^a_i mod N
 *
 * h(W_i) and what it assumes are A-PDP's. Stores that have a copy each cannot make another one of
 * them: that takes the key. But who has made all copies cannot tell whether they lie at one place. Masks are of a block's full
 * length (libpdp's are of 20 bytes, so that its copies differ in these alone, and its index is one byte). The last block is
 * filled with zeros before it is encrypted.
 */
export function mrPdp(primitives: Primitives): ReplicaScheme {
  /** b_i: a block, filled up, and encrypted. */
  async function encryption(session: Pick<PrivateSession, 'file' | 'key'>) {
    const streamOf = indexedKeystream(primitives, await session.key('K'));
    const { blockBytes } = session.file;
    return async (index: number, block: Uint8Array): Promise<Uint8Array> => {
      const b = (await streamOf(index, blockBytes)).slice();
      for (let at = 0; at < block.length; at += 1) b[at]! ^= block[at]!;
      return b;
    };
  }
  /** r_ui. */
  async function masks(session: Pick<PrivateSession, 'file' | 'key'>, number: number) {
    const streamOf = indexedKeystream(primitives, await session.key(`z ${number}`));
    return (index: number) => streamOf(index, session.file.blockBytes);
  }

  function ofReplica(number: number) {
    if (!Number.isSafeInteger(number) || number < 0)
      throw new PdpError('parameter', `No copy has the number ${number}`);
    return privateScheme(primitives, {
      facts: {
        name: NAME,
        verification: 'private',
        data: 'static',
        selections: ['sample', 'list', 'range'],
        assumption: 'RSA, KEA1-r, factoring, random oracle; AES-256 is a pseudorandom function',
        source: 'Curtmola, Khan, Burns and Ateniese, ICDCS 2008',
        year: 2008,
        modulus: true,
        limits:
          'Who is asked for several copies may keep them at one place. A copy is encrypted: only the owner can read it',
      },
      keys: rsaKeys(primitives),
      tagBytes: ({ bytes }) => bytes,

      tagger: async (session) => rsaTagger(primitives, session, await encryption(session)),

      async challengeExtra(session, seed) {
        const gs = await challengeElement(primitives, session.parts, seed);
        const extra = new Uint8Array(8 + gs.length);
        extra.set(uint64(number));
        extra.set(gs, 8);
        return extra;
      },

      async prove({ blockBytes }, expansion, stored, { parts, extra }) {
        const wanted = uint64(number);
        if (wanted.some((byte, at) => byte !== extra[at])) return undefined;
        const stores = { stored, blockBytes: blockBytes + 1, gs: extra.subarray(8) };
        return proveRsa(primitives, parts, expansion, stores, coefficient128);
      },

      async reject(session, expansion, proof, seed) {
        const { parts, file } = session;
        const opened = openRsaProof(parts, proof);
        if (opened === undefined) return 'malformed proof';
        const r = await masks(session, number);
        const sum = weightedSum(file.blockBytes);
        const stream = expansion.coefficients();
        for (const batch of indexBatches(expansion.indices)) {
          const a = await coefficient128(stream, batch.length);
          for (const [at, index] of batch.entries()) sum.add(a[at]!, await r(index));
        }
        const tau = await tauOf(primitives, session, expansion, opened.t, coefficient128);
        const masked = parts.multiply(tau, await parts.power(parts.generator, parts.reduce(sum.bytes())));
        const s = await secretExponent(primitives, parts, seed);
        const rho = await primitives.sha256(await parts.power(masked, s));
        return primitives.equal(rho, opened.rho) ? undefined : 'wrong proof';
      },
    });
  }
  const { session } = privateKeys(primitives, NAME, rsaKeys(primitives));
  const replicaBlockBytes = ({ blockBytes }: FileDescription) => blockBytes + 1;
  return {
    ...ofReplica(0),
    ofReplica,
    replicaBlockBytes,

    async *replica(secretKey, file, number, source) {
      const opened = await session(secretKey, file);
      const encrypted = await encryption(opened);
      const r = await masks(opened, number);
      for await (const { first, blocks } of wholeBlocks(file, source))
        for (let at = 0; at === 0 || at * file.blockBytes < blocks.length; at += 1) {
          const block = blocks.subarray(at * file.blockBytes, (at + 1) * file.blockBytes);
          yield sumOf(await encrypted(first + at, block), await r(first + at));
        }
    },

    async *recover(secretKey, file, number, replica) {
      const opened = await session(secretKey, file);
      const encrypted = await encryption(opened);
      const r = await masks(opened, number);
      const stride = replicaBlockBytes(file);
      const copy = { ...file, blockBytes: stride, length: stride * blockCount(file) };
      for await (const { first, blocks } of wholeBlocks(copy, replica))
        for (let at = 0; at * stride < blocks.length; at += 1) {
          const m = blocks.subarray(at * stride + 1, (at + 1) * stride);
          const block = await encrypted(first + at, differenceOf(m, await r(first + at)));
          yield block.subarray(0, blockLength(file, first + at));
        }
    },
  };
}

/** The sum of two numbers, with one byte more. */
function sumOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  const sum = new Uint8Array(left.length + 1);
  let over = 0;
  for (let at = left.length - 1; at >= 0; at -= 1) {
    over += left[at]! + right[at]!;
    sum[at + 1] = over;
    over >>= 8;
  }
  sum[0] = over;
  return sum;
}

/** The difference of two numbers, without what is borrowed at last. */
function differenceOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  const difference = new Uint8Array(left.length);
  let over = 0;
  for (let at = left.length - 1; at >= 0; at -= 1) {
    over += left[at]! - right[at]!;
    difference[at] = over;
    over >>= 8;
  }
  return difference;
}
