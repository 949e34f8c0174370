import { refuse } from '../failure.ts';

/** An OpenPGP packet: its tag and body (RFC 4880, 4.2). */
export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** Tags used here (RFC 4880, 4.3). */
export const TAG = { signature: 2, publicKey: 6, userId: 13, publicSubkey: 14 } as const;

const MAX_PACKETS = 20_000;

/** The packets of a binary OpenPGP stream. Partial lengths do not occur in keys and signatures. Throws `malformed`, `truncated`. */
export function packetsOf(bytes: Uint8Array): Packet[] {
  const out: Packet[] = [];
  let offset = 0;
  const byte = (): number => bytes[offset++] ?? refuse('truncated', 'The OpenPGP data end early');
  while (offset < bytes.length) {
    if (out.length >= MAX_PACKETS) refuse('too-large', 'The OpenPGP data have too many packets');
    const head = byte();
    if ((head & 0x80) === 0) refuse('malformed', 'The OpenPGP data are damaged');
    let length: number;
    let tag: number;
    if ((head & 0x40) !== 0) {
      tag = head & 0x3f;
      const first = byte();
      if (first < 192) length = first;
      else if (first < 224) length = ((first - 192) << 8) + byte() + 192;
      else if (first === 255) length = byte() * 0x1000000 + (byte() << 16) + (byte() << 8) + byte();
      else refuse('unsupported', 'The OpenPGP data use partial lengths');
    } else {
      tag = (head >> 2) & 0x0f;
      const width = head & 3;
      if (width === 0) length = byte();
      else if (width === 1) length = (byte() << 8) + byte();
      else if (width === 2) length = byte() * 0x1000000 + (byte() << 16) + (byte() << 8) + byte();
      else refuse('unsupported', 'The OpenPGP data use indeterminate lengths');
    }
    if (offset + length > bytes.length) refuse('truncated', 'The OpenPGP data end early');
    out.push({ tag, body: bytes.subarray(offset, offset + length) });
    offset += length;
  }
  return out;
}
