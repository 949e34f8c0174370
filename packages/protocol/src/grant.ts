/** Bytes of a grant's authentication code: HMAC-SHA256 under the VM's grant key, cut. */
export const GRANT_MAC_BYTES = 16;

/**
 * Permission of the scheduler to run a VM's harts for `microseconds` more, carried to the machine by a slice that can
 * neither mint nor repeat one: `sequence` grows with each grant of a VM.
 */
export interface Grant {
  readonly microseconds: number;
  readonly sequence: bigint;
  /** Empty for a machine without a grant key, which has no scheduler. */
  readonly mac: Uint8Array;
}

const LABEL = 'cloister run grant 1';

/** What the authentication code is over: a label, then microseconds and sequence, big-endian. */
export function grantBytes({ microseconds, sequence }: Pick<Grant, 'microseconds' | 'sequence'>): Uint8Array {
  const label = new TextEncoder().encode(LABEL);
  const out = new Uint8Array(label.length + 12);
  out.set(label);
  const view = new DataView(out.buffer);
  view.setUint32(label.length, microseconds);
  view.setBigUint64(label.length + 4, sequence);
  return out;
}
