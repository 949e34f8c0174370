import type { Answer, Primitives } from '@cloister/crypto';
import { type Check, oneOf, record } from '@cloister/protocol';
import { ascii, bytes, decodeRecord, encodeRecord } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type { KeyOptions, KeyPair } from '../scheme.ts';
import { type FileDescription, fileName } from '../session/file-description.ts';
import { type FileTag, makeFileTag, openFileTag } from '../session/file-tag.ts';
import { remembered } from './remembered.ts';

const MASTER_BYTES = 32;

/** What the keys of a scheme hold beside the master key: records for CBOR, and what they are once they were checked. */
export interface KeyParts<Secret, Public> {
  /** @throws PdpError `parameter` */
  generate(options: KeyOptions): Promise<{ readonly secret: object; readonly public: object }>;
  openSecret(parts: unknown): Answer<Secret | undefined>;
  openPublic(parts: unknown): Public | undefined;
}

/** One tagging session, with keys that no other session has. */
export interface PrivateSession<Secret = undefined> {
  readonly file: FileDescription;
  readonly name: Uint8Array;
  /** What the secret key holds beside the master key. */
  readonly parts: Secret;
  /** A 32-byte key for one purpose: HMAC-SHA256 under the master key, of the purpose and the session's name. */
  key(purpose: string): Promise<Uint8Array>;
}

/** Keys of the schemes that have one symmetric master key; their file tags carry a MAC. */
export interface PrivateKeys<Secret = undefined, Public = undefined> {
  /** @throws PdpError `parameter` */
  generate(options?: KeyOptions): Promise<KeyPair>;
  /** What the public key holds. @throws PdpError `key` */
  publicParts(publicKey: Uint8Array): Public;
  /** @throws PdpError `key` */
  session(secretKey: Uint8Array, file: FileDescription): Promise<PrivateSession<Secret>>;
  /** @throws PdpError `key` */
  makeFileTag(secretKey: Uint8Array, file: FileDescription, extra: Uint8Array): Promise<Uint8Array>;
  /** What a file tag says that this key made. @throws PdpError `key` */
  openFileTag(secretKey: Uint8Array, fileTag: Uint8Array): Promise<FileTag | undefined>;
}

export function privateKeys<Secret = undefined, Public = undefined>(
  primitives: Primitives,
  scheme: string,
  keyParts?: KeyParts<Secret, Public>,
): PrivateKeys<Secret, Public> {
  const SECRET = record({ scheme: oneOf(scheme), secret: bytes(MASTER_BYTES), ...(keyParts && { parts: anything }) });
  const PUBLIC = record({ scheme: oneOf(scheme), ...(keyParts && { parts: anything }) });

  const open = remembered(primitives, async (secretKey) => {
    const key: { readonly secret: Uint8Array; readonly parts?: unknown } | undefined = decodeRecord(SECRET, secretKey);
    const parts = key && (await keyParts?.openSecret(key.parts));
    if (key === undefined || (keyParts !== undefined && parts === undefined))
      throw new PdpError('key', `Not a secret key of the scheme "${scheme}"`);
    return { keyed: primitives.hmacSha256(key.secret), parts: parts as Secret };
  });
  async function fileTagMac(secretKey: Uint8Array) {
    const { keyed } = await open(secretKey);
    return async (body: Uint8Array) => primitives.hmacSha256(await keyed(ascii(`${scheme} file tag`)))(body);
  }
  return {
    async generate(options = {}) {
      const parts = await keyParts?.generate(options);
      return {
        secret: encodeRecord({
          scheme,
          secret: primitives.random(MASTER_BYTES),
          ...(parts && { parts: parts.secret }),
        }),
        public: encodeRecord({ scheme, ...(parts && { parts: parts.public }) }),
      };
    },
    publicParts(publicKey) {
      const key: { readonly parts?: unknown } | undefined = decodeRecord(PUBLIC, publicKey);
      const parts = key && keyParts?.openPublic(key.parts);
      if (key === undefined || (keyParts !== undefined && parts === undefined))
        throw new PdpError('key', `Not a public key of the scheme "${scheme}"`);
      return parts as Public;
    },
    async session(secretKey, file) {
      const { keyed, parts } = await open(secretKey);
      const name = await fileName(primitives, file);
      return { file, name, parts, key: async (purpose) => keyed(ascii(`${scheme} ${purpose}`), name) };
    },
    makeFileTag: async (secretKey, file, extra) => makeFileTag(file, extra, await fileTagMac(secretKey)),
    async openFileTag(secretKey, fileTag) {
      const mac = await fileTagMac(secretKey);
      return openFileTag(primitives, scheme, fileTag, async (body, code) => primitives.equal(await mac(body), code));
    },
  };
}

const anything: Check<unknown> = (_value): _value is unknown => true;
