import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type AuditClaims, type Claims, leafHash, makeBatch, makeReceipt, merkleTree } from '../make/index.ts';

const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const measurement = {
  ...{ bundle: fill(1), filter: fill(2), node: fill(3), libraries: fill(4), command: '[]', level: 'full' },
};
const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** Who signs receipts and batches as an enclave does, under a key of its own. */
export interface TestSigner {
  readonly publicObject: KeyObject;
  readonly publicKey: Uint8Array;
  readonly fingerprint: string;
  claims(number: number, audit?: Partial<AuditClaims>): Claims;
  receipt(number: number, audit?: Partial<AuditClaims>): Promise<Uint8Array>;
  batch(receipts: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
}

export function testSigner(): TestSigner {
  const { privateKey, publicKey: publicObject } = generateKeyPairSync('ed25519');
  const publicKey = new Uint8Array(publicObject.export({ format: 'der', type: 'spki' }).subarray(12));
  const kid = sha256(publicKey);
  const signed = (message: Uint8Array): Uint8Array => new Uint8Array(sign(null, message, privateKey));
  const evidence = { iat: 1_795_651_200, root: 'software', publicKey, measurement } as const;
  const claims = (number: number, audit: Partial<AuditClaims> = {}): Claims => ({
    ...evidence,
    iat: evidence.iat + number * 86_400,
    audit: {
      ...{ store: '/backups', prover: '', state: fill(5), number, scheme: 'gmac-cpor', schemeKey: new Uint8Array(0) },
      ...{ blockBytes: 16384, all: false, seed: fill(6), transcript: fill(7), baselines: ['store'] },
      ...{ blocks: 460, bytes: 7_536_640, sampled: 460, due: 12, ofBlocks: 65_536, findings: 1 },
      found: [{ path: 'a', finding: 'corrupt', offset: 0, length: 16384, blocks: 1 }],
      coverage: { start: 1_795_651_200_000, period: 2_592_000_000, total: 65_536, done: 12_000 },
      ...audit,
    },
  });
  return {
    ...{ publicObject, publicKey, claims, fingerprint: Buffer.from(kid).toString('hex') },
    receipt: (number, audit) => makeReceipt(claims(number, audit), kid, signed),
    async batch(receipts) {
      const leaves = await Promise.all(receipts.map((receipt) => leafHash(sha256, receipt)));
      return makeBatch({ ...evidence, size: receipts.length }, await merkleTree(sha256, leaves), kid, signed);
    },
  };
}
