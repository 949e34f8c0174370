import type { Primitives } from '@cloister/crypto';
import { type PrivateSchemeDefinition, privateScheme } from '../families/private-scheme.ts';
import { type RsaGroup, type RsaOwner, rsaKeys } from '../families/rsa-group.ts';
import {
  type Coefficients,
  challengeElement,
  coefficient128,
  openRsaProof,
  proveRsa,
  rsaTagger,
  secretExponent,
  tauOf,
} from '../families/rsa-tags.ts';
import type { Scheme } from '../scheme.ts';

const FACTS = {
  verification: 'private',
  data: 'static',
  selections: ['sample', 'list', 'range'],
  source: 'Ateniese, Burns, Curtmola, Herring, Kissner, Peterson and Song, CCS 2007; libpdp',
  year: 2007,
  modulus: true,
} as const;
const ONE = Uint8Array.of(1);

/**
 * Provable data possession with homomorphic tags, the S-PDP of Ateniese et al. (CCS 2007, section 4.2), "A-PDP" in libpdp.
 *
 *     keys       N = pq of safe primes p = 2p'+1 and q = 2q'+1;   g = a^2 of order p'q';   e prime above 2^128, ed = 1 mod p'q'
 *     tag        T_i = (h(W_i) g^m_i)^d mod N,   h(W_i) = r_i^2,   r_i the keystream of AES-256 under v at i, mod N
 *     challenge  indices, a_i of 128 bits,   g_s = g^s
 *     proof      T = prod T_i^a_i mod N,   rho = H(g_s^(sum a_i m_i))
 *     accepted   H(tau^s) = rho,   tau = T^e / prod h(W_i)^a_i mod N
 *
 * It assumes RSA, factoring, the knowledge of exponent (KEA1-r) and a random oracle H. A proof is N's length and 32 bytes, whatever
 * is asked for. Other than in the paper, one pseudorandom function takes the place of W_i = f_v(i) and of the random oracle h: only who
 * verifies computes h(W_i), and to everybody else both are random squares. v is the session's, and so names file, salt and version:
 * with an index alone, as in libpdp, one file answers for another, and two tags at one index give g^(d(m-m')) and so tags of other blocks.
 * s is odd, so that T and -T are not both accepted. rho has one length, and is compared in constant time.
 */
export function aPdp(primitives: Primitives): Scheme {
  return privateScheme(
    primitives,
    spdp(primitives, coefficient128, {
      ...FACTS,
      name: 'a-pdp',
      assumption: 'RSA, KEA1-r, factoring, random oracle; AES-256 is a pseudorandom function',
      limits: 'The one who verifies can make tags. A prover works with exponents as long as a block: 0.2 s for 16 KiB',
    }),
  );
}

/**
 * E-PDP, of the same paper (section 4.3): A-PDP with a_i = 1, which spares the prover the powers. It is broken: who adds D to one half of the
 * blocks that are asked for and subtracts it from the other half is accepted, and whoever changes all blocks so is by chance with
 * C(c, c/2) / 2^c, which is 3.7 % at c = 460.
 */
export function ePdp(primitives: Primitives): Scheme {
  return privateScheme(
    primitives,
    spdp(primitives, async (_stream, count) => new Array<Uint8Array>(count).fill(ONE), {
      ...FACTS,
      name: 'e-pdp',
      assumption: 'Nothing suffices: it is broken',
      limits: 'It shows the sum of the blocks that are asked for, and not the blocks',
      broken:
        'Changes of blocks that add up to nothing are not seen: every block may be wrong, and 3.7 % of challenges pass',
    }),
  );
}

function spdp(
  primitives: Primitives,
  coefficient: Coefficients,
  facts: PrivateSchemeDefinition['facts'],
): PrivateSchemeDefinition<RsaOwner, RsaGroup> {
  return {
    facts,
    keys: rsaKeys(primitives),
    tagBytes: ({ bytes }) => bytes,

    tagger: (session) => rsaTagger(primitives, session),
    challengeExtra: (session, seed) => challengeElement(primitives, session.parts, seed),
    prove: ({ blockBytes }, expansion, stored, { parts, extra }) =>
      proveRsa(primitives, parts, expansion, { stored, blockBytes, gs: extra }, coefficient),

    async reject(session, expansion, proof, seed) {
      const opened = openRsaProof(session.parts, proof);
      if (opened === undefined) return 'malformed proof';
      const tau = await tauOf(primitives, session, expansion, opened.t, coefficient);
      const s = await secretExponent(primitives, session.parts, seed);
      const rho = await primitives.sha256(await session.parts.power(tau, s));
      return primitives.equal(rho, opened.rho) ? undefined : 'wrong proof';
    },
  };
}
