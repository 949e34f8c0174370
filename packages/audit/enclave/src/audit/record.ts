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
  add(outcome: Outcome): Promise<void>;
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
    async add({ extent: { path, offset, salt, baseline }, from, count, finding, tags }) {
      baselines.add(baseline);
      const entry = encodeRecord({ path, offset, salt, from, count, finding, tags });
      transcript = await primitives.sha256(transcript, entry);
    },
    find(finding) {
      findings += 1;
      room -= finding.path.length;
      if (room >= 0 && found.length < FOUND_MAX) found.push(finding);
    },
    sum: () => ({ transcript, baselines: [...baselines].sort(), found }),
  };
}
