import type { Primitives } from '@cloister/crypto';
import { joined } from '../encoding.ts';
import {
  aggregate,
  blockSigner,
  cut,
  decodeAggregate,
  encodeAggregate,
  hashSum,
  sectorsIn,
  storedBlocks,
  takeCoefficient,
} from '../families/bls-tags.ts';
import { dynamicPublicScheme } from '../families/dynamic-public-scheme.ts';
import { PdpError } from '../pdp-error.ts';
import type { DynamicScheme } from '../scheme.ts';
import type { Expansion } from '../session/challenge.ts';
import { blockCount } from '../session/file-description.ts';
import { EXTRA_BYTES_MAX, type FileTag } from '../session/file-tag.ts';
import {
  decodeVersionTable,
  freshVersionTable,
  VERSION_NOTE_BYTES,
  type VersionTable,
} from '../structures/version-table.ts';

/**
 * Dynamic-hash-table public auditing (Tian, Chen, Chang, Jiang, Huang, Chen and Liu, IEEE TSC 10(5), 2017).
 *
 * - KeyGen: as in CPOR: x; v = g2^x; u_j = g1^{alpha_j}.
 * - Tag: sigma_i = (H(name | v_i | t_i) prod_j u_j^{m_ij})^x, with a version and a stamp for each block, of which no two pairs are the same.
 * - Proof: mu_j = sum nu_i m_ij, sigma = prod sigma_i^{nu_i}.
 * - Verify: e(sigma, g2) = e(prod H(name | v_i | t_i)^{nu_i} prod u_j^{mu_j}, v), with the auditor's table of (v_i, t_i).
 * - Update: the table gets a new pair; the server proves nothing, and the next challenge tells whether it has done it.
 *
 * Co-Diffie-Hellman, random oracle. **The verifier's state is the file tag with the table**: 32 bytes for each run of blocks that
 * follow one another as they were tagged, so 32 bytes after Tag and 64 more for each change at most; 16 MiB, 260,000 changes, are
 * the limit, and then the file is tagged again. The server has no structure. What it does not give: retrievability, privacy, a state that stays small.
 *
 * Other than in the paper: a block is s sectors below the order; stamps are random, not times, since two blocks under one pair give the key
 * away; no mask. The paper's auditor masks with R = v^r and is answered D = e(u^mu, R), for which with several sectors one point
 * for each block will do in the data's place: that form is broken, and is not here (`testing/textbook/masked-dht-pa.ts` has it with the attack).
 */
export function dhtPa(primitives: Primitives): DynamicScheme {
  const tableOf = ({ extra }: Pick<FileTag, 'extra'>): VersionTable | undefined => decodeVersionTable(extra);
  async function* labels({ name, extra }: FileTag, { indices, coefficients }: Expansion) {
    const stream = coefficients();
    for (const stamp of tableOf({ extra })!.stamps(indices))
      yield { label: joined([name, stamp]), coefficient: await takeCoefficient(stream) };
  }

  return dynamicPublicScheme(primitives, {
    facts: {
      name: 'dht-pa',
      verification: 'public',
      data: 'dynamic',
      selections: ['sample', 'list', 'range'],
      assumption: 'Computational co-Diffie-Hellman on BLS12-381, random oracle',
      source: 'Tian et al., IEEE Transactions on Services Computing 10(5), 2017',
      year: 2017,
      limits:
        'The verifier keeps a table that grows with each change; who verifies learns linear combinations of the data',
    },

    tagger({ group }, key, { file, name }) {
      const sign = blockSigner(group, key);
      const table = freshVersionTable(blockCount(file));
      return (first, blocks) => {
        const parts = cut(file, blocks);
        const stamps = [...table.stamps(parts.map((_, at) => first + at))];
        return joined(parts.map((block, at) => sign(joined([name, stamps[at]!]), block)));
      };
    },

    async summary(file, batches) {
      for await (const _ of batches);
      return freshVersionTable(blockCount(file)).encode();
    },

    blocks: (session) => tableOf(session)?.blocks,
    build: async () => {},

    async prove({ group }, _publicKey, { file }, expansion, stored) {
      return encodeAggregate(group, await aggregate(group, file, storedBlocks(expansion, stored)));
    },

    async equation({ group }, session, expansion, proof) {
      const answer = decodeAggregate(group, sectorsIn(session.file), proof);
      if (answer === undefined) return 'malformed proof';
      return { ...answer, hashes: await hashSum(group, labels(session, expansion)) };
    },

    async sign({ group }, key, session, change) {
      const note = primitives.random(VERSION_NOTE_BYTES);
      const after = tableOf(session)!.changed(change, note);
      if (after.encode().length > EXTRA_BYTES_MAX)
        throw new PdpError('parameter', `A table of ${after.runs} runs is too long; tag the file again`);
      if (change.kind === 'delete') return { change, tag: new Uint8Array(0), note: new Uint8Array(0) };
      const [stamp] = after.stamps([change.index]);
      return { change, tag: blockSigner(group, key)(joined([session.name, stamp!]), change.block), note };
    },

    perform: async () => new Uint8Array(0),

    async follow(session, { change, note }, proof) {
      if (proof.length > 0 || note.length !== (change.kind === 'delete' ? 0 : VERSION_NOTE_BYTES)) return undefined;
      return tableOf(session)!.changed(change, note).encode();
    },
  });
}
