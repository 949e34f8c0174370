import type { Primitives } from '@cloister/crypto';
import { ascii, joined } from '../encoding.ts';
import type { FileDescription } from './file-description.ts';
import { type FileTag, makeFileTag, openFileTag } from './file-tag.ts';

const SIGNATURE_BYTES = 64;

/** A file tag that its owner signs (Ed25519), for schemes that anybody verifies. */
export async function signFileTag(
  primitives: Primitives,
  signing: Uint8Array,
  file: FileDescription,
  extra: Uint8Array,
): Promise<Uint8Array> {
  return makeFileTag(file, extra, (body) => primitives.ed25519.sign(signing, signed(file.scheme, body)));
}

/** What a file tag says that the owner of this key signed. */
export async function openSignedFileTag(
  primitives: Primitives,
  scheme: string,
  verifying: Uint8Array,
  fileTag: Uint8Array,
): Promise<FileTag | undefined> {
  return openFileTag(
    primitives,
    scheme,
    fileTag,
    (body, code) => code.length === SIGNATURE_BYTES && primitives.ed25519.verify(verifying, signed(scheme, body), code),
  );
}

/** What is signed is a file tag of this scheme, whatever else the key is used for. */
const signed = (scheme: string, body: Uint8Array): Uint8Array =>
  joined([ascii(`cloister pdp ${scheme} file tag `), body]);
