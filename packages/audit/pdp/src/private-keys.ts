import type { Primitives } from '@cloister/crypto';
import { oneOf, record } from '@cloister/protocol';
import { ascii, bytes, decodeRecord, encodeRecord } from './encoding.ts';
import { type FileDescription, fileName } from './file-description.ts';
import { type FileTag, makeFileTag, openFileTag } from './file-tag.ts';
import { PdpError } from './pdp-error.ts';
import type { KeyPair } from './scheme.ts';

const MASTER_BYTES = 32;

/** One tagging session, with keys that no other session has. */
export interface PrivateSession {
  readonly file: FileDescription;
  readonly name: Uint8Array;
  /** A 32-byte key for one purpose: HMAC-SHA256 under the master key, of the purpose and the session's name. */
  key(purpose: string): Promise<Uint8Array>;
}

/** Keys of the schemes that have one symmetric master key; their file tags carry a MAC. */
export interface PrivateKeys {
  generate(): KeyPair;
  /** @throws PdpError `key` */
  session(secretKey: Uint8Array, file: FileDescription): Promise<PrivateSession>;
  /** @throws PdpError `key` */
  makeFileTag(secretKey: Uint8Array, file: FileDescription, extra: Uint8Array): Promise<Uint8Array>;
  /** What a file tag says that this key made. @throws PdpError `key` */
  openFileTag(secretKey: Uint8Array, fileTag: Uint8Array): Promise<FileTag | undefined>;
}

export function privateKeys(primitives: Primitives, scheme: string): PrivateKeys {
  const SECRET = record({ scheme: oneOf(scheme), secret: bytes(MASTER_BYTES) });
  function keyedBy(secretKey: Uint8Array) {
    const key = decodeRecord(SECRET, secretKey);
    if (key === undefined) throw new PdpError('key', `Not a secret key of the scheme "${scheme}"`);
    return primitives.hmacSha256(key.secret);
  }
  function fileTagMac(secretKey: Uint8Array) {
    const keyed = keyedBy(secretKey);
    return async (body: Uint8Array) => primitives.hmacSha256(await keyed(ascii(`${scheme} file tag`)))(body);
  }
  return {
    generate: () => ({
      secret: encodeRecord({ scheme, secret: primitives.random(MASTER_BYTES) }),
      public: encodeRecord({ scheme }),
    }),
    async session(secretKey, file) {
      const keyed = keyedBy(secretKey);
      const name = await fileName(primitives, file);
      return { file, name, key: async (purpose) => keyed(ascii(`${scheme} ${purpose}`), name) };
    },
    makeFileTag: async (secretKey, file, extra) => makeFileTag(file, extra, fileTagMac(secretKey)),
    async openFileTag(secretKey, fileTag) {
      const mac = fileTagMac(secretKey);
      return openFileTag(primitives, scheme, fileTag, async (body, code) => primitives.equal(await mac(body), code));
    },
  };
}
