import type { Primitives } from '@cloister/crypto';
import { skipListScheme } from '../families/skip-list-scheme.ts';
import type { DynamicScheme } from '../scheme.ts';

/**
 * Dynamic provable data possession: Erway, Kupcu, Papamanthou and Tamassia, CCS 2009, section 4 ("DPDP-I").
 *
 *     keys       N = pq and g, as in A-PDP; the order is the owner's alone
 *     tag        T_i = g^m_i mod N, the leaves of a rank-based authenticated skip list with root M_c
 *     challenge  indices, a_i of 128 bits
 *     proof      M = sum a_i m_i,   each T_i,   the part of the list that shows them at their places
 *     accepted   the part has the root M_c, and prod T_i^a_i = g^M mod N
 *     update     the part of the list that the change looks at; from it and M_c follows the new M_c
 *
 * It assumes factoring and collision resistance. The verifier's state is the file tag with M_c, 300 bytes whatever the file's size; the server
 * has 114 bytes a block of structure. The order of g reduces a block's number, so that to tag takes one power, and to verify with the
 * secret key too; with the public one g^M is of an exponent as long as a block (0.3 s at 16 KiB). T_i says what its block is and
 * nothing of its place or file, which the signed root does: to tag again under a fixed salt gives nothing away, but equal blocks show.
 * Other than in the paper, the parts of a proof are merged as in FlexDPDP, and the root is signed with the file's description.
 */
export function dpdp(primitives: Primitives): DynamicScheme {
  return skipListScheme(primitives, {
    name: 'dpdp',
    verification: 'public',
    data: 'dynamic',
    selections: ['sample', 'list', 'range'],
    assumption: 'Factoring; SHA-256 is collision-resistant; Ed25519',
    source: 'Erway, Kupcu, Papamanthou and Tamassia, CCS 2009, section 4',
    year: 2009,
    modulus: true,
    patents: 'US 8978155',
    limits:
      'A proof grows with the number of blocks that are asked for, and holds a sum of them: who verifies learns it',
  });
}
