import type { Primitives } from '@cloister/crypto';
import { type Check, oneOf, record, whole } from '@cloister/protocol';
import { type Curve, curve, type G1, G1_BYTES, type G2, G2_BYTES, type Scalar } from '../arithmetic/curve.ts';
import { sectorsOf } from '../arithmetic/sector-sums.ts';
import { ascii, bytes, decodeRecord, encodeRecord } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import type { KeyOptions, KeyPair } from '../scheme.ts';
import { BLOCK_BYTES_MAX, BLOCK_BYTES_MIN, type FileDescription } from '../session/file-description.ts';
import type { FileTag } from '../session/file-tag.ts';
import { keystream } from '../session/keystream.ts';
import { openSignedFileTag, signFileTag } from '../session/signed-file-tag.ts';
import { remembered } from './remembered.ts';

const MASTER_BYTES = 32;
const SIGNING_BYTES = 32;
/** Reduced modulo the order, so many random bytes are uniform but for 2^-128. */
const WIDE_BYTES = 48;
const BLOCK_BYTES = 16 * 1024;

interface Verifying {
  /** The Ed25519 key that file tags are signed for. */
  readonly verifying: Uint8Array;
  /** The most sectors that a block has. */
  readonly sectors: number;
}
/** x and alpha_1, ..., alpha_s. */
export interface BlsSecretKey extends Verifying {
  readonly kind: 'secret';
  readonly x: Scalar;
  readonly alpha: readonly Scalar[];
  readonly signing: Uint8Array;
}
/** v = g2^x and u_j = g1^{alpha_j}. */
export interface BlsPublicKey extends Verifying {
  readonly kind: 'public';
  readonly v: G2;
  readonly u: readonly G1[];
}
export type BlsKey = BlsSecretKey | BlsPublicKey;

/**
 * Keys of the schemes on pairings. The generators u_j are the key's, not a file's, other than in Shacham and Waters' paper:
 * at 16 KiB a block they are 25 KB, which 100,000 small files would each carry and whose making takes 0.2 s, and a file tag has no
 * room for those of blocks above 41 KiB. Their proof (section 3.3, theorem 4.2) carries over: its simulator draws u_j = g^beta_j h^gamma_j
 * once and answers each signature query by programming H at (name, i), which it can as long as no (name, i) comes
 * twice; the gamma_j stay hidden however many files are tagged. Names are hashes over 32 fresh random bytes a session. The price: who
 * tags two blocks under one (name, i) gives away more than one file's alphas.
 */
export interface BlsKeys {
  readonly group: Curve;
  generate(options?: KeyOptions): Promise<KeyPair>;
  /** @throws PdpError `key` */
  openSecret(secretKey: Uint8Array): Promise<BlsSecretKey>;
  /** Either key, all points checked. @throws PdpError `key` */
  open(key: Uint8Array): Promise<BlsKey>;
  /** @throws PdpError `key` */
  openPublic(publicKey: Uint8Array): Promise<BlsPublicKey>;
  signFileTag(key: BlsSecretKey, file: FileDescription, extra: Uint8Array): Promise<Uint8Array>;
  /** What a file tag says that this key's owner signed, for blocks that the key is long enough for. */
  openFileTag(key: BlsKey, fileTag: Uint8Array): Promise<FileTag | undefined>;
}

/** Begins with the first call, and is the same for all. */
export function lazyBlsKeys(primitives: Primitives, scheme: string): () => Promise<BlsKeys> {
  let keys: Promise<BlsKeys> | undefined;
  return () => (keys ??= blsKeys(primitives, scheme));
}

async function blsKeys(primitives: Primitives, scheme: string): Promise<BlsKeys> {
  const group = await curve();
  const isBlockBytes: Check<number> = (value): value is number =>
    whole(BLOCK_BYTES_MAX)(value) && value >= BLOCK_BYTES_MIN;
  const isPoints: Check<Uint8Array> = (value): value is Uint8Array =>
    value instanceof Uint8Array && value.length > 0 && value.length <= sectorsOf(BLOCK_BYTES_MAX) * G1_BYTES;
  const SECRET = record({
    scheme: oneOf(scheme),
    secret: bytes(MASTER_BYTES),
    signing: bytes(SIGNING_BYTES),
    verifying: bytes(SIGNING_BYTES),
    blockBytes: isBlockBytes,
  });
  const PUBLIC = record({ scheme: oneOf(scheme), v: bytes(G2_BYTES), u: isPoints, verifying: bytes(SIGNING_BYTES) });
  const noKey = (which: string) => new PdpError('key', `Not a ${which} of the scheme "${scheme}"`);

  async function derive(master: Uint8Array, blockBytes: number): Promise<Pick<BlsSecretKey, 'x' | 'alpha'>> {
    const keyed = primitives.hmacSha256(master);
    const scalars = async (purpose: string, count: number) => {
      const stream = keystream(primitives, await keyed(ascii(`${scheme} ${purpose}`)));
      const out: Scalar[] = [];
      while (out.length < count) out.push(group.scalar.reduce(await stream.bytes(WIDE_BYTES)));
      return out;
    };
    const [x] = await scalars('x', 1);
    return { x: x!, alpha: await scalars('alpha', sectorsOf(blockBytes)) };
  }

  const openSecret = remembered(primitives, async (secretKey): Promise<BlsSecretKey> => {
    const key = decodeRecord(SECRET, secretKey);
    if (key === undefined) throw noKey('secret key');
    const { signing, verifying, blockBytes } = key;
    const secrets = await derive(key.secret, blockBytes);
    return { kind: 'secret', ...secrets, signing, verifying, sectors: secrets.alpha.length };
  });
  // 0.33 ms a generator, so the last key's are kept.
  const openPublic = remembered(primitives, async (publicKey): Promise<BlsPublicKey> => {
    const key = decodeRecord(PUBLIC, publicKey);
    const v = key && group.decodeG2(key.v);
    if (v === undefined || key!.u.length % G1_BYTES !== 0) throw noKey('public key');
    const u: G1[] = [];
    for (let at = 0; at < key!.u.length; at += G1_BYTES) {
      const point = group.decodeG1(key!.u.subarray(at, at + G1_BYTES));
      if (point === undefined) throw noKey('public key');
      u.push(point);
    }
    return { kind: 'public', v, u, verifying: key!.verifying, sectors: u.length };
  });

  return {
    group,
    async generate({ blockBytes = BLOCK_BYTES, onProgress } = {}) {
      if (!isBlockBytes(blockBytes))
        throw new PdpError(
          'parameter',
          `Blocks of ${blockBytes} bytes (${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX} bytes)`,
        );
      const secret = primitives.random(MASTER_BYTES);
      const { secret: signing, public: verifying } = await primitives.ed25519.generate();
      const { x, alpha } = await derive(secret, blockBytes);
      const u = new Uint8Array(alpha.length * G1_BYTES);
      alpha.forEach((exponent, at) => {
        u.set(group.encodeG1(group.multiply(group.g1, exponent)), at * G1_BYTES);
        onProgress?.(at + 1);
      });
      return {
        secret: encodeRecord({ scheme, secret, signing, verifying, blockBytes }),
        public: encodeRecord({ scheme, v: group.encodeG2(group.multiplyG2(group.g2, x)), u, verifying }),
      };
    },
    openSecret,
    openPublic,
    open: async (key) => (decodeRecord(SECRET, key) === undefined ? openPublic(key) : openSecret(key)),
    signFileTag: (key, file, extra) => signFileTag(primitives, key.signing, file, extra),
    async openFileTag(key, fileTag) {
      const opened = await openSignedFileTag(primitives, scheme, key.verifying, fileTag);
      return opened !== undefined && sectorsOf(opened.file.blockBytes) <= key.sectors ? opened : undefined;
    },
  };
}
