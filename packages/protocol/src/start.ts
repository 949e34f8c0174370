/** Length of an epoch: random, so that no earlier byte can be its greeting (`framing.ts`). */
export const EPOCH_BYTES = 16;

/** The inherited descriptor over which a compartment and the launcher speak. */
export const LAUNCHER_DESCRIPTOR = 3;

/**
 * What a compartment is started with, as a line of JSON over that descriptor. `links[i]` is inherited descriptor 4 + i; files
 * follow.
 */
export interface StartConfig<Settings> {
  /** Epochs in base64; a link's number is its place in the list. */
  readonly links: readonly string[];
  readonly settings: Settings;
}

/** After the start: a link's far end is another process now, or it is time to stop. {number u32, epoch}. */
export const NOTICE_BYTES = 4 + EPOCH_BYTES;
export const STOP_NOTICE = 0xffff_ffff;

export function encodeNotice(link: number, epoch: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(NOTICE_BYTES);
  new DataView(out.buffer).setUint32(0, link, true);
  out.set(epoch.subarray(0, EPOCH_BYTES), 4);
  return out;
}
