import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';

// RFC 8410, sections 4 and 7: what precedes the 32 bytes of an X25519 key in SubjectPublicKeyInfo and in PKCS #8.
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

const KEM = 0x0020;
const KDF = 0x0001;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** RFC 9180, 7.3. The first is ours; of the others appendix A has vectors. */
const AEADS = {
  'aes-256-gcm': { id: 2, keyBytes: 32 },
  'aes-128-gcm': { id: 1, keyBytes: 16 },
  'chacha20-poly1305': { id: 3, keyBytes: 32 },
} as const;
export type HpkeAead = keyof typeof AEADS;

/** What both ends know, and what opens nothing when it differs by a bit. */
export interface HpkeContext {
  /** What it is for (RFC 9180, 5.1). */
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly aead?: HpkeAead;
}

export interface HpkeSealed {
  /** The ephemeral public key: 32 bytes. */
  readonly enc: Uint8Array;
  /** The ciphertext, and 16 bytes of tag. */
  readonly sealed: Uint8Array;
}

/** The public key of an X25519 secret (RFC 7748): any 32 random bytes are one. */
export const x25519Public = (secret: Uint8Array): Uint8Array => rawOf(createPublicKey(secretKey(secret)));

/**
 * One message to the holder of a key: HPKE (RFC 9180, 6.1) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
 * AES-256-GCM. It says nothing of who sent it.
 * @param ephemeral 32 random bytes, never given twice
 * @returns undefined for a public key of small order
 */
export function hpkeSeal(
  publicKey: Uint8Array,
  ephemeral: Uint8Array,
  plain: Uint8Array,
  context: HpkeContext,
): HpkeSealed | undefined {
  const own = secretKey(ephemeral);
  const enc = rawOf(createPublicKey(own));
  const shared = sharedSecret(own, publicKey, enc, publicKey);
  if (shared === undefined) return undefined;
  const { key, nonce, aead } = keySchedule(shared, context);
  const cipher = createCipheriv(aead, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context.aad, { plaintextLength: plain.length });
  return { enc, sealed: Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]) };
}

/** What `hpkeSeal` sealed for the holder of this secret; undefined for anything else. */
export function hpkeOpen(
  secret: Uint8Array,
  { enc, sealed }: HpkeSealed,
  context: HpkeContext,
): Uint8Array | undefined {
  const length = sealed.length - TAG_BYTES;
  if (length < 0 || enc.length !== 32) return undefined;
  const own = secretKey(secret);
  const shared = sharedSecret(own, enc, enc, rawOf(createPublicKey(own)));
  if (shared === undefined) return undefined;
  const { key, nonce, aead } = keySchedule(shared, context);
  const decipher = createDecipheriv(aead, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(context.aad, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  const plain = decipher.update(sealed.subarray(0, length));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plain;
}

/** Encap and Decap (RFC 9180, 4.1), which differ in whose keys are whose. */
function sharedSecret(own: KeyObject, other: Uint8Array, enc: Uint8Array, recipient: Uint8Array) {
  const suite = Buffer.concat([Buffer.from('KEM'), twoBytes(KEM)]);
  let dh: Buffer;
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, other]), format: 'der', type: 'spki' });
    dh = diffieHellman({ privateKey: own, publicKey: key });
  } catch {
    // OpenSSL refuses what a point of small order gives: all zeros (RFC 9180, 7.1.4).
    return undefined;
  }
  const prk = labeledExtract(suite, new Uint8Array(0), 'eae_prk', dh);
  return labeledExpand(suite, prk, 'shared_secret', Buffer.concat([enc, recipient]), 32);
}

/** RFC 9180, 5.1, for mode 0 and the first message. */
function keySchedule(shared: Uint8Array, { info, aead = 'aes-256-gcm' }: HpkeContext) {
  const { id, keyBytes } = AEADS[aead];
  const suite = Buffer.concat([Buffer.from('HPKE'), twoBytes(KEM), twoBytes(KDF), twoBytes(id)]);
  const none = new Uint8Array(0);
  const mode = Uint8Array.of(0);
  const context = Buffer.concat([
    mode,
    labeledExtract(suite, none, 'psk_id_hash', none),
    labeledExtract(suite, none, 'info_hash', info),
  ]);
  const secret = labeledExtract(suite, shared, 'secret', none);
  return {
    // Node knows no type for both kinds of cipher.
    aead: aead as 'aes-256-gcm',
    key: labeledExpand(suite, secret, 'key', context, keyBytes),
    nonce: labeledExpand(suite, secret, 'base_nonce', context, NONCE_BYTES),
  };
}

const LABEL = Buffer.from('HPKE-v1');

/** HKDF-Extract (RFC 5869, 2.2) with a label (RFC 9180, 4). */
const labeledExtract = (suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer =>
  createHmac('sha256', salt).update(LABEL).update(suite).update(label).update(ikm).digest();

/** HKDF-Expand (RFC 5869, 2.3) with a label, of which nobody here needs more than the first 32 bytes. */
function labeledExpand(suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Buffer {
  const hmac = createHmac('sha256', prk).update(twoBytes(length)).update(LABEL).update(suite);
  return hmac.update(label).update(info).update(Uint8Array.of(1)).digest().subarray(0, length);
}

const twoBytes = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

const secretKey = (secret: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), format: 'der', type: 'pkcs8' });

const rawOf = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
