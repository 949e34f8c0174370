import { refuse } from '../failure.ts';
import { unarmor } from './armor.ts';
import type { SigningKey } from './keyring.ts';
import { packetsOf, TAG } from './packets.ts';
import { isIssuedBy, signatureHolds, signatureOf } from './signature.ts';

/** A clear-signed text with one or more good signatures. */
export interface VerifiedText {
  /** The text that the signatures cover, lines ended by LF. */
  readonly text: string;
  /** Fingerprints of the primary keys behind the good signatures. */
  readonly signers: readonly string[];
}

const TEXT_SIGNATURE = 0x01;
const LIMIT = 16 * 1024 * 1024;
const BEGIN = '-----BEGIN PGP SIGNED MESSAGE-----\n';
const BEGIN_SIGNATURE = '\n-----BEGIN PGP SIGNATURE-----\n';

/**
 * Checks a clear-signed message (RFC 4880, 7): nothing but the message may be in the file, and one good signature by a
 * key of `keys` that was valid then and is valid at `now` (seconds since 1970) is enough. Returns only what was signed.
 * Throws `malformed`, `bad-signature` (none by a known key holds) or `expired` (one holds, but is no longer valid).
 */
export function verifyClearSigned(message: Uint8Array, keys: readonly SigningKey[], now: number): VerifiedText {
  const { text, signedBytes, signaturePackets } = splitClearSigned(message);
  const signers = new Set<string>();
  let expired = false;
  for (const packet of signaturePackets) {
    const signature = packet.tag === TAG.signature ? signatureOf(packet.body) : undefined;
    if (signature?.type !== TEXT_SIGNATURE) continue;
    for (const { key, expires, primaryFingerprint } of keys) {
      if (!isIssuedBy(signature, key) || !signatureHolds(signature, key, [signedBytes])) continue;
      const until = Math.min(
        expires ?? Infinity,
        signature.expiresAfter === undefined ? Infinity : signature.created + signature.expiresAfter,
      );
      if (signature.created < key.created || signature.created >= until || now >= until) expired = true;
      else signers.add(primaryFingerprint);
    }
  }
  if (signers.size > 0) return { text, signers: [...signers] };
  if (expired) refuse('expired', 'The signature or its key has expired');
  refuse('bad-signature', 'No signature by a trusted key holds');
}

/**
 * The text of a clear-signed message **without** any check of its signatures: good only for finding the keyring that
 * will check it. Throws `malformed`.
 */
export function unverifiedText(message: Uint8Array): string {
  return splitClearSigned(message).text;
}

function splitClearSigned(message: Uint8Array) {
  if (message.length > LIMIT) refuse('too-large', 'The signed message is too large');
  // Latin-1 keeps every byte as it is, so that the hash is over the bytes of the file.
  const all = Buffer.from(message).toString('latin1').replaceAll('\r\n', '\n');
  if (!all.startsWith(BEGIN)) refuse('malformed', 'Not a clear-signed OpenPGP message');
  const headersEnd = all.indexOf('\n\n', BEGIN.length - 1);
  const headers = headersEnd < 0 ? '?' : all.slice(BEGIN.length, headersEnd + 1);
  // Other headers than Hash could carry text that looks signed (CVE-2018-12020's kind).
  if (!/^(?:Hash: [A-Z0-9, -]+\n)*$/.test(headers)) refuse('malformed', 'The signed message has unknown headers');
  const signatureStart = all.indexOf(BEGIN_SIGNATURE, headersEnd + 1);
  if (signatureStart < 0) refuse('malformed', 'The signed message has no signature');
  const lines = all
    .slice(headersEnd + 2, Math.max(signatureStart, headersEnd + 2))
    .split('\n')
    .map((line) => {
      if (line.startsWith('-') && !line.startsWith('- '))
        refuse('malformed', 'The signed message has an unescaped line');
      return (line.startsWith('- ') ? line.slice(2) : line).replace(/[ \t\r]+$/, '');
    });
  const signedBytes = Buffer.from(lines.join('\r\n'), 'latin1');
  return {
    text: Buffer.from(`${lines.join('\n')}\n`, 'latin1').toString('utf8'),
    signedBytes,
    signaturePackets: packetsOf(unarmor(all.slice(signatureStart + 1), 'SIGNATURE')),
  };
}
