import { refuse } from '../failure.ts';

/**
 * The bytes inside ASCII armor of the given kind, e.g. `SIGNATURE` or `PUBLIC KEY BLOCK` (RFC 4880, 6.2). The checksum
 * line is skipped: it protects nothing that a signature does not. Throws `malformed`.
 */
export function unarmor(text: string, kind: string): Uint8Array {
  const match = new RegExp(
    `^-----BEGIN PGP ${kind}-----[ \\t]*\\n((?:[A-Za-z]+: [^\\n]*\\n)*)[ \\t]*\\n([A-Za-z0-9+/=\\s]*?)\\n-----END PGP ${kind}-----\\s*$`,
  ).exec(text.replaceAll('\r\n', '\n'));
  if (match === null) refuse('malformed', `Not an OpenPGP ${kind.toLowerCase()}`);
  const lines = match[2]!.split('\n').filter((line) => !line.startsWith('='));
  const encoded = lines.join('').replace(/\s/g, '');
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded))
    refuse('malformed', 'The OpenPGP armor is damaged');
  return Buffer.from(encoded, 'base64');
}
