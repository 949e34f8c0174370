/** A step of a launch, as the digest sees it. Addresses are guest physical. */
export type LaunchStep =
  | { readonly kind: 'update'; readonly address: number; readonly bytes: Uint8Array }
  | ({ readonly kind: 'finish' } & LaunchEnd);

/** What hart 0 starts with; see `launch.finish`. */
export interface LaunchEnd {
  readonly pc: number;
  readonly deviceTree: number;
  readonly rngSeed: number;
  readonly firmwareInfo: number;
}

type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** The digest of a launch without a step. */
export const EMPTY_LAUNCH_DIGEST: Uint8Array = new Uint8Array(32);

const KIND = { update: 1, finish: 2 } as const;

/**
 * The launch digest, a chain over contents, address, length, kind and order of each step:
 * D' = SHA-256(D || kind || u64, ...), big-endian, where an update has address, length and then the SHA-256 of its
 * bytes, and the finish has pc, device tree, seed and firmware information.
 */
export function extendLaunchDigest(sha256: Sha256, digest: Uint8Array, step: LaunchStep): Uint8Array {
  const numbers =
    step.kind === 'update'
      ? [step.address, step.bytes.length]
      : [step.pc, step.deviceTree, step.rngSeed, step.firmwareInfo];
  const contents = step.kind === 'update' ? sha256(step.bytes) : new Uint8Array(0);
  const record = new Uint8Array(digest.length + 1 + 8 * numbers.length + contents.length);
  const view = new DataView(record.buffer);
  record.set(digest);
  record[digest.length] = KIND[step.kind];
  numbers.forEach((number, i) => {
    view.setBigUint64(digest.length + 1 + 8 * i, BigInt(number));
  });
  record.set(contents, record.length - contents.length);
  return sha256(record);
}
