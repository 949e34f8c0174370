import type { Primitives } from '@cloister/crypto';
import { type AuditClaims, FOUND_MAX, type ReceiptFinding } from '@cloister/evidence/make';
import { encodeRecord } from '@cloister/pdp';
import type { Baseline } from '@cloister/protocol';
import type { Outcome } from './read-blocks.ts';

/** Characters of paths that a receipt has room for: it leaves the enclave as one frame. */
const PATHS_MAX = 48 * 1024;

/** What an audit's receipt says of what was read, kept while it is read, whatever the length of the audit. */
export interface AuditRecord {
  readonly findings: number;
  /** Returns what it adds to the transcript. */
  add(outcome: Outcome): Promise<Uint8Array>;
  find(finding: ReceiptFinding): void;
  sum(): Pick<AuditClaims, 'transcript' | 'baselines' | 'found'>;
}

export function createRecord(primitives: Primitives): AuditRecord {
  const baselines = new Set<Baseline>();
  const found: ReceiptFinding[] = [];
  let room = PATHS_MAX;
  let findings = 0;
  let transcript: Uint8Array = new Uint8Array(32);
  return {
    get findings() {
      return findings;
    },
    async add({ extent: { path, offset, salt, baseline }, from, count, finding, asked, tags }) {
      baselines.add(baseline);
      const entry =
        asked === undefined
          ? encodeRecord({ path, offset, salt, from, count, finding, tags })
          : encodeRecord({ path, offset, finding, ...asked, proof: tags });
      transcript = await primitives.sha256(transcript, entry);
      return entry;
    },
    find(finding) {
      findings += 1;
      room -= finding.path.length;
      if (room >= 0 && found.length < FOUND_MAX) found.push(finding);
    },
    sum: () => ({ transcript, baselines: [...baselines].sort(), found }),
  };
}
