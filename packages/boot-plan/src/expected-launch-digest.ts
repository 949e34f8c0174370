import { EMPTY_LAUNCH_DIGEST, extendLaunchDigest } from '@cloister/protocol';
import type { Blob, BootPlan } from './plan.ts';

/** What a plan is measured from; `read` gives exactly `length` bytes of a file. */
export interface PlanContents {
  read(blob: Blob, offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  sha256(bytes: Uint8Array): Uint8Array;
}

/** The digest that a machine has once the plan was carried out, and nothing else: 32 bytes. */
export async function expectedLaunchDigest(plan: BootPlan, { read, sha256 }: PlanContents): Promise<Uint8Array> {
  let digest = EMPTY_LAUNCH_DIGEST;
  for (const update of plan.updates) {
    const bytes =
      'bytes' in update ? update.bytes : await read(update.from.blob, update.from.offset, update.from.length);
    digest = extendLaunchDigest(sha256, digest, { kind: 'update', address: update.address, bytes });
  }
  return extendLaunchDigest(sha256, digest, { kind: 'finish', ...plan.end });
}
