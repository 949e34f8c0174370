import type { Primitives } from '@cloister/crypto';
import { type Check, oneOf, record } from '@cloister/protocol';
import { bytes, decodeRecord, encodeRecord } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type { KeyOptions, KeyPair } from '../scheme.ts';
import type { FileDescription } from '../session/file-description.ts';
import type { FileTag } from '../session/file-tag.ts';
import { openSignedFileTag, signFileTag } from '../session/signed-file-tag.ts';
import { remembered } from './remembered.ts';
import { type RsaGroup, type RsaOwner, rsaKeys } from './rsa-group.ts';

const ED25519_BYTES = 32;

/** A key of the schemes in an RSA group whose file tags the owner signs (Ed25519), so that anybody verifies. */
export interface SignedRsaKey {
  readonly group: RsaGroup;
  readonly verifying: Uint8Array;
  /** Of the secret key. */
  readonly secret?: { readonly owner: RsaOwner; readonly signing: Uint8Array };
}
type SecretKey = SignedRsaKey & Required<Pick<SignedRsaKey, 'secret'>>;

export interface SignedRsaKeys {
  /** @throws PdpError `parameter` */
  generate(options?: KeyOptions): Promise<KeyPair>;
  /** Either key. @throws PdpError `key` */
  open(key: Uint8Array): Promise<SignedRsaKey>;
  /** @throws PdpError `key` */
  openSecret(secretKey: Uint8Array): Promise<SecretKey>;
  /** Bytes of a number of the group. @throws PdpError `key` */
  bytes(publicKey: Uint8Array): number;
  signFileTag(key: SecretKey, file: FileDescription, extra: Uint8Array): Promise<Uint8Array>;
  /** What a file tag says that this key's owner signed. */
  openFileTag(key: SignedRsaKey, fileTag: Uint8Array): Promise<FileTag | undefined>;
}

export function signedRsaKeys(primitives: Primitives, scheme: string): SignedRsaKeys {
  const groups = rsaKeys(primitives);
  const common = { scheme: oneOf(scheme), group: anything, verifying: bytes(ED25519_BYTES) };
  const SECRET = record({ ...common, signing: bytes(ED25519_BYTES) });
  const PUBLIC = record(common);
  const noKey = (which: string) => new PdpError('key', `Not a ${which} of the scheme "${scheme}"`);

  const openSecret = remembered(primitives, async (secretKey): Promise<SecretKey> => {
    const key = decodeRecord(SECRET, secretKey);
    const owner = key && (await groups.openSecret(key.group));
    if (owner === undefined) throw noKey('secret key');
    return { group: owner, verifying: key!.verifying, secret: { owner, signing: key!.signing } };
  });
  const openPublic = remembered(primitives, async (publicKey): Promise<SignedRsaKey> => {
    const key = decodeRecord(PUBLIC, publicKey);
    const group = key && groups.openPublic(key.group);
    if (group === undefined) throw noKey('public key');
    return { group, verifying: key!.verifying };
  });

  return {
    async generate(options = {}) {
      const group = await groups.generate(options);
      const { secret: signing, public: verifying } = await primitives.ed25519.generate();
      return {
        secret: encodeRecord({ scheme, group: group.secret, verifying, signing }),
        public: encodeRecord({ scheme, group: group.public, verifying }),
      };
    },
    openSecret,
    open: async (key) => (decodeRecord(SECRET, key) === undefined ? openPublic(key) : openSecret(key)),
    bytes(publicKey) {
      const group = groups.openPublic(decodeRecord(PUBLIC, publicKey)?.group);
      if (group === undefined) throw noKey('public key');
      return group.bytes;
    },
    signFileTag: (key, file, extra) => signFileTag(primitives, key.secret.signing, file, extra),
    openFileTag: (key, fileTag) => openSignedFileTag(primitives, scheme, key.verifying, fileTag),
  };
}

const anything: Check<unknown> = (_value): _value is unknown => true;
