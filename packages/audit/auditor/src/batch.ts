import { asSigned, withInclusion } from '@cloister/evidence';
import { fail } from './audit-error.ts';
import type { EnclaveLink } from './enclave-link.ts';
import type { AuditContext } from './open-audit.ts';
import { openDirectory, withStateDirectory } from './state-directory.ts';

/** Which receipt of which audit. */
export interface ReceiptPlace {
  readonly name: string;
  readonly number: number;
}

/** A receipt as its enclave made it, and that it is in a batch. */
export interface BatchedReceipt extends ReceiptPlace {
  readonly receipt: Uint8Array;
  readonly inclusion: Uint8Array;
}

/** Has an enclave sign receipts as one batch; none where there are not two of them. */
export async function signedBatch(
  link: EnclaveLink,
  places: readonly ReceiptPlace[],
): Promise<readonly BatchedReceipt[]> {
  const leaves: (ReceiptPlace & { readonly receipt: Uint8Array })[] = [];
  for (const { name, number } of places) {
    const kept = await openDirectory(name).receipt(number);
    const receipt = kept && asSigned(kept);
    // An audit that was removed meanwhile has none.
    if (receipt !== undefined) leaves.push({ name, number, receipt });
  }
  if (leaves.length < 2) return [];
  for (const { receipt } of leaves) await link.run({ kind: 'leaf', bytes: receipt });
  const inclusions: Uint8Array[] = [];
  await link.run({ kind: 'batch' }, (answer) => {
    if (answer.kind === 'batched') inclusions.push(answer.bytes);
  });
  if (inclusions.length !== leaves.length) fail('enclave-failed', 'The enclave signed another batch than was asked');
  return leaves.map((leaf, at) => ({ ...leaf, inclusion: inclusions[at]! }));
}

/**
 * Puts each receipt's place into its file. They were whole without: who is killed in between has lost nothing but that.
 * No lock is held while another is waited for.
 */
export async function keepBatch({ signal, warn }: AuditContext, batch: readonly BatchedReceipt[]): Promise<void> {
  const waiting = (): void => warn?.('Another process works on an audit of this batch; waiting for it');
  for (const { name, number, receipt, inclusion } of batch)
    await withStateDirectory(name, signal, waiting, async (directory) => {
      if ((await directory.receipt(number)) !== undefined)
        await directory.writeReceipt(number, withInclusion(receipt, inclusion));
    });
}
