import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { placeOf, readIfThere, writeAtomically } from '@cloister/files';
import { failFile } from '../audit-error.ts';

/** An offer of this machine's that nobody has taken up yet. */
export interface PendingOffer {
  readonly evidence: Uint8Array;
  /** What the enclave needs to take it up, sealed by it. */
  readonly sealed: Uint8Array;
}

const offers = (): string => join(placeOf('state'), 'audit-offers');

export async function keepOffer(name: string, { evidence, sealed }: PendingOffer): Promise<void> {
  const path = join(offers(), name);
  // The evidence comes last: what it is found by is there when the rest is.
  for (const [file, bytes] of [
    ['sealed', sealed],
    ['evidence', evidence],
  ] as const)
    await writeAtomically(join(path, file), bytes).catch((error) => failFile(path, error));
}

export async function pendingOffer(name: string): Promise<PendingOffer | undefined> {
  const [evidence, sealed] = await Promise.all(
    ['evidence', 'sealed'].map((file) => readIfThere(join(offers(), name, file))),
  );
  return evidence === undefined || sealed === undefined ? undefined : { evidence, sealed };
}

/** What the audits will be called for which offers of this user's wait. */
export const offerNames = async (): Promise<readonly string[]> => (await readdir(offers()).catch(() => [])).sort();

/** The offer whose evidence has a hash, by the name that its audit will have. */
export async function offerFor(hash: Uint8Array): Promise<string | undefined> {
  for (const name of await offerNames()) {
    const offer = await pendingOffer(name);
    if (offer !== undefined && createHash('sha256').update(offer.evidence).digest().equals(hash)) return name;
  }
  return undefined;
}

/** From then on nothing here opens what was sealed to it. */
export const forgetOffer = (name: string): Promise<void> => rm(join(offers(), name), { recursive: true, force: true });
