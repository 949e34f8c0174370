import { sha256 } from '@cloister/crypto';
import { EMPTY_LAUNCH_DIGEST, extendLaunchDigest, type LaunchEnd, type LaunchStep } from '@cloister/protocol';

/** The launch, after the SEV API's state machine: nothing, begun, finished. */
export const createLaunch = (expected: Uint8Array | undefined) => ({
  phase: 'new' as 'new' | 'begun' | 'finished',
  /** Of all steps so far (`launch-digest.ts`). */
  digest: EMPTY_LAUNCH_DIGEST,
  /** What the owner wants to be started; undefined where nobody said. */
  expected,
  /** Where hart 0 starts; set with `finished`. */
  end: undefined as LaunchEnd | undefined,
});
export type Launch = ReturnType<typeof createLaunch>;

export const digestAfter = ({ digest }: Launch, step: LaunchStep): Uint8Array =>
  extendLaunchDigest(sha256, digest, step);

/** Whether the owner wants what this digest is of. */
export function isExpected({ expected }: Launch, digest: Uint8Array): boolean {
  return expected === undefined || hex(expected) === hex(digest);
}

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
