import type { Primitives } from '@cloister/crypto';
import { type MultiUpdate, skipListScheme } from '../families/skip-list-scheme.ts';
import type { DynamicScheme } from '../scheme.ts';

/**
 * FlexDPDP: Esiner, Kachkeev, Braunfeld, Kupcu and Ozkasap, "FlexDPDP: FlexList-based optimized dynamic provable data possession",
 * IACR ePrint 2013/645. DPDP-I on a list whose ranks count bytes and whose leaves carry their blocks' lengths:
 *
 * - Blocks have any length up to the session's, each its own; a block of the present file is found by a byte (`locate`).
 * - One merged proof of many blocks (`genMultiProof`), and one proof for many changes at once (`prepareUpdates`).
 * - The list is built in O(n), and has no node without a right neighbour.
 *
 * Formulas and assumption are those of `dpdp`.
 */
export function flexDpdp(primitives: Primitives): DynamicScheme & MultiUpdate {
  return skipListScheme(primitives, {
    name: 'flex-dpdp',
    verification: 'public',
    data: 'dynamic',
    selections: ['sample', 'list', 'range'],
    assumption: 'Factoring; SHA-256 is collision-resistant; Ed25519',
    source: 'Esiner, Kachkeev, Braunfeld, Kupcu and Ozkasap, IACR ePrint 2013/645',
    year: 2013,
    modulus: true,
    patents: 'US 8978155 (of DPDP)',
    limits:
      'A proof grows with the number of blocks that are asked for, and holds a sum of them: who verifies learns it',
  });
}
