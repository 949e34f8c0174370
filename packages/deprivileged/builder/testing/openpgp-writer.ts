// Makes OpenPGP keys and signatures for tests: the verifier's counterpart, sharing none of its code.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface TestKey {
  readonly body: Buffer;
  readonly fingerprint: string;
  readonly privateKey: KeyObject;
  readonly algorithm: 'rsa' | 'ed25519';
}

/** 2026-01-01, in seconds. */
export const EPOCH = 1_767_225_600;

export function testKey(algorithm: 'rsa' | 'ed25519', created = EPOCH): TestKey {
  const pair =
    algorithm === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const bytes = (value: string | undefined) => Buffer.from(value ?? '', 'base64url');
  const material =
    algorithm === 'rsa'
      ? [Buffer.from([1]), integer(bytes(jwk.n)), integer(bytes(jwk.e))]
      : [Buffer.from('16092b06010401da470f01', 'hex'), integer(Buffer.concat([Buffer.from([0x40]), bytes(jwk.x)]))];
  const body = Buffer.concat([Buffer.from([4]), u32(created), ...material]);
  const fingerprint = createHash('sha1').update(keyHash(body)).digest('hex').toUpperCase();
  return { body, fingerprint, privateKey: pair.privateKey, algorithm };
}

export interface SignatureOptions {
  readonly created?: number;
  readonly expiresAfter?: number;
  readonly keyExpiresAfter?: number;
  readonly flags?: number;
  readonly embedded?: Buffer;
  readonly hash?: 'sha1' | 'sha256' | 'sha512';
}

/** A signature packet's body. */
export function signature(type: number, key: TestKey, data: Buffer, options: SignatureOptions = {}): Buffer {
  const hash = options.hash ?? 'sha512';
  const subpackets = Buffer.concat([
    subpacket(2, u32(options.created ?? EPOCH)),
    subpacket(33, Buffer.from(`04${key.fingerprint}`, 'hex')),
    subpacket(16, Buffer.from(key.fingerprint.slice(-16), 'hex')),
    ...(options.expiresAfter === undefined ? [] : [subpacket(3, u32(options.expiresAfter))]),
    ...(options.keyExpiresAfter === undefined ? [] : [subpacket(9, u32(options.keyExpiresAfter))]),
    ...(options.flags === undefined ? [] : [subpacket(27, Buffer.from([options.flags]))]),
    ...(options.embedded === undefined ? [] : [subpacket(32, options.embedded)]),
  ]);
  const hashId = { sha1: 2, sha256: 8, sha512: 10 }[hash];
  const head = Buffer.concat([
    Buffer.from([4, type, key.algorithm === 'rsa' ? 1 : 22, hashId]),
    u16(subpackets.length),
    subpackets,
  ]);
  const message = Buffer.concat([data, head, Buffer.from([4, 0xff]), u32(head.length)]);
  const digest = createHash(hash).update(message).digest();
  const raw = key.algorithm === 'rsa' ? sign(hash, message, key.privateKey) : sign(null, digest, key.privateKey);
  const value =
    key.algorithm === 'rsa' ? integer(raw) : Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([head, u16(0), digest.subarray(0, 2), value]);
}

export interface CertificateOptions {
  readonly subkey?: TestKey;
  readonly keyExpiresAfter?: number;
  readonly backSignature?: boolean;
  readonly revoked?: boolean;
  readonly subkeyRevoked?: boolean;
  /** Signs the self-signature and the binding instead of the primary key. */
  readonly forger?: TestKey;
}

/** A certificate: primary key, one user ID, at most one subkey. */
export function certificate(primary: TestKey, options: CertificateOptions = {}): Buffer {
  const userId = Buffer.from('Test archive <test@example.org>');
  const expiry = options.keyExpiresAfter === undefined ? {} : { keyExpiresAfter: options.keyExpiresAfter };
  const forge = (type: number, data: Buffer, extra: SignatureOptions) => {
    const maker = options.forger === undefined ? primary : { ...options.forger, fingerprint: primary.fingerprint };
    return packet(2, signature(type, maker, data, extra));
  };
  const primaryData = keyHash(primary.body);
  const parts = [packet(6, primary.body)];
  if (options.revoked === true) parts.push(forge(0x20, primaryData, {}));
  parts.push(
    packet(13, userId),
    forge(0x13, Buffer.concat([primaryData, Buffer.from([0xb4]), u32(userId.length), userId]), {
      flags: 0x03,
      ...expiry,
    }),
  );
  if (options.subkey !== undefined) {
    const data = Buffer.concat([primaryData, keyHash(options.subkey.body)]);
    const embedded = options.backSignature === false ? {} : { embedded: signature(0x19, options.subkey, data) };
    parts.push(packet(14, options.subkey.body), forge(0x18, data, { flags: 0x02, ...embedded }));
    if (options.subkeyRevoked === true) parts.push(forge(0x28, data, {}));
  }
  return Buffer.concat(parts);
}

/** A clear-signed message by each of `keys`. */
export function clearSign(text: string, keys: readonly TestKey[], options: SignatureOptions = {}): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const data = Buffer.from(lines.map((line) => line.replace(/[ \t]+$/, '')).join('\r\n'));
  const packets = Buffer.concat(keys.map((key) => packet(2, signature(0x01, key, data, options))));
  const escaped = lines.map((line) => (line.startsWith('-') ? `- ${line}` : line)).join('\n');
  return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${escaped}\n${armor('SIGNATURE', packets)}`;
}

export function armor(kind: string, bytes: Buffer): string {
  const lines = bytes
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd();
  return `-----BEGIN PGP ${kind}-----\n\n${lines}\n=${checksum(bytes).toString('base64')}\n-----END PGP ${kind}-----\n`;
}

/** CRC-24 (RFC 4880, 6.1); gpgv misreads armor without it. */
function checksum(bytes: Buffer): Buffer {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  return u32(crc & 0xffffff).subarray(1);
}

function packet(tag: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xc0 | tag, 0xff]), u32(body.length), body]);
}

function keyHash(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x99]), u16(body.length), body]);
}

function subpacket(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xff]), u32(body.length + 1), Buffer.from([type]), body]);
}

function integer(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const value = bytes.subarray(start);
  return Buffer.concat([u16((value.length - 1) * 8 + (32 - Math.clz32(value[0] ?? 0))), value]);
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}
