import type { Primitives } from '@cloister/crypto';
import {
  AUDIT_PROOF_BYTES_MAX,
  EXTENT_FILE_TAG_BYTES_MAX,
  FINDINGS,
  oneOf,
  record,
  text,
  whole,
} from '@cloister/protocol';
import { bytes, bytesUpTo, decodeRecord, recordsIn } from './encoding.ts';
import { SCHEMES, type SchemeName } from './registry.ts';
import { isSelection } from './session/challenge.ts';
import { readFileTag } from './session/file-tag.ts';

/** What an audit says of its proofs: part of its receipt. */
export interface ProvenClaims {
  readonly scheme: string;
  readonly schemeKey: Uint8Array;
  readonly blockBytes: number;
  readonly transcript: Uint8Array;
}

export type ProofsVerdict =
  | { readonly ok: true; readonly proofs: number; readonly failed: number; readonly lost: number }
  | { readonly ok: false; readonly flaw: string };

const count = whole(Number.MAX_SAFE_INTEGER);
const PLACE = { path: text(4096), offset: count, finding: oneOf('intact', ...FINDINGS) };
const isProven = record({
  ...PLACE,
  fileTag: bytesUpTo(EXTENT_FILE_TAG_BYTES_MAX),
  seed: bytes(32),
  selection: isSelection,
  proof: bytesUpTo(AUDIT_PROOF_BYTES_MAX),
});
/** Nobody answered. */
const isLost = record({ ...PLACE, salt: bytes(32), from: count, count, tags: bytes(0) });
const PROVEN: readonly string[] = ['intact', 'unsteady'];

/**
 * Verifies the proofs of an audit again, without the enclave: that they are those that its receipt speaks of, and that each
 * is one, or is none, as the receipt says. That nobody could foresee what was asked, the receipt's signer alone can know.
 */
export async function verifyProofs(
  primitives: Primitives,
  claims: ProvenClaims,
  proofs: Uint8Array,
  publicKey: Uint8Array,
): Promise<ProofsVerdict> {
  const no = (flaw: string): ProofsVerdict => ({ ok: false, flaw });
  const { sha256, equal } = primitives;
  if (!equal(claims.schemeKey, await sha256(publicKey))) return no('another public key than the receipt’s');
  const name = claims.scheme;
  const scheme = Object.hasOwn(SCHEMES, name) ? SCHEMES[name as SchemeName](primitives) : undefined;
  if (scheme?.facts.verification !== 'public') return no(`proofs of "${claims.scheme}" that not anybody verifies`);
  let transcript: Uint8Array = new Uint8Array(32);
  const counts = { proofs: 0, failed: 0, lost: 0 };
  try {
    for (const entry of recordsIn(proofs)) {
      transcript = await sha256(transcript, entry);
      if (decodeRecord(isLost, entry) !== undefined) {
        counts.lost += 1;
        continue;
      }
      const proven = decodeRecord(isProven, entry);
      if (proven === undefined) return no('what is no proof');
      const { fileTag, seed, selection, proof, finding, path } = proven;
      if (readFileTag(fileTag)?.file.blockBytes !== claims.blockBytes) return no(`other blocks of "${path}"`);
      const challenge = { seed, selection, message: new Uint8Array(0) };
      const { accepted } = await scheme.verify(publicKey, fileTag, challenge, proof);
      if (accepted !== PROVEN.includes(finding)) return no(`"${path}" is said to be ${finding}, and is not`);
      counts[accepted ? 'proofs' : 'failed'] += 1;
    }
  } catch {
    return no('what is no list of proofs, or no key');
  }
  return equal(transcript, claims.transcript) ? { ok: true, ...counts } : no('other proofs than the receipt’s');
}
