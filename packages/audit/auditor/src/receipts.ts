import { type Verified, verifyReceipt } from '@cloister/evidence';
import { auditNames, fingerprintOf, openDirectory } from './state-directory.ts';

/** A receipt as it is kept. */
export interface KeptReceipt {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly verified: Verified;
}

/** An audit's receipts, the newest last, verified under the audit's own key. */
export async function auditReceipts(name: string): Promise<readonly KeptReceipt[]> {
  const directory = openDirectory(name);
  const fingerprint = (await fingerprintOf(name)) ?? 'unknown';
  const kept: KeptReceipt[] = [];
  for (const number of await directory.receipts()) {
    const bytes = await directory.receipt(number);
    if (bytes !== undefined) kept.push({ number, bytes, verified: verifyReceipt(bytes, fingerprint) });
  }
  return kept;
}

/** What an audit with a prover has left, so that anybody verifies it again; undefined where nobody else can. */
export async function auditProofs(
  name: string,
  number: number,
): Promise<{ readonly list: Uint8Array; readonly publicKey: Uint8Array } | undefined> {
  const directory = openDirectory(name);
  const [list, publicKey] = await Promise.all([directory.proofs(number), directory.publicKey()]);
  return list === undefined || publicKey === undefined ? undefined : { list, publicKey };
}

/** The audit of this user whose key has a fingerprint. */
export async function auditWithKey(fingerprint: string): Promise<string | undefined> {
  for (const name of await auditNames()) if ((await fingerprintOf(name)) === fingerprint) return name;
  return undefined;
}
