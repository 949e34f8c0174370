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

/**
 * After the start: a link's far end is another process now, with settings where it is the first one of a VM, or it is time
 * to stop. {number u32, epoch, length u32, as many bytes of JSON}.
 */
export interface Notice {
  readonly number: number;
  readonly epoch: Uint8Array<ArrayBuffer>;
  readonly settings: unknown;
}
export const STOP_NOTICE = 0xffff_ffff;

const LENGTH_AT = 4 + EPOCH_BYTES;
const SETTINGS_AT = LENGTH_AT + 4;
/** What a VM may have, and its key, take a tenth of it. */
const SETTINGS_MAX = 1024;

export function encodeNotice({ number, epoch, settings }: Notice): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(settings));
  const out = new Uint8Array(SETTINGS_AT + json.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, number, true);
  out.set(epoch.subarray(0, EPOCH_BYTES), 4);
  view.setUint32(LENGTH_AT, json.length, true);
  out.set(json, SETTINGS_AT);
  return out;
}

/** The notice that begins `bytes`, and what follows it; undefined while it is not whole. */
export function takeNotice<Bytes extends Uint8Array>(
  bytes: Bytes,
): (Notice & { readonly rest: Bytes }) | 'malformed' | undefined {
  if (bytes.length < SETTINGS_AT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(LENGTH_AT, true);
  if (length > SETTINGS_MAX) return 'malformed';
  const end = SETTINGS_AT + length;
  if (bytes.length < end) return undefined;
  const settings = parsed(bytes.subarray(SETTINGS_AT, end));
  if (settings === undefined) return 'malformed';
  const number = view.getUint32(0, true);
  return { number, epoch: Uint8Array.from(bytes.subarray(4, LENGTH_AT)), settings, rest: bytes.subarray(end) as Bytes };
}

function parsed(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    return undefined;
  }
}
