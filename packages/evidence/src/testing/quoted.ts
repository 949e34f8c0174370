import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { TpmQuote } from '../tpm-quote.ts';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The attestation key of a TPM that there is not, and quotes as one makes them (TPM 2.0 Library, part 2). */
export function quotingMachine() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return {
    attestationKey: sha256(spki).toString('hex'),
    /** @param registers numbers and values, ascending */
    quote: (about: Uint8Array, registers: ReadonlyMap<number, Uint8Array>): TpmQuote => {
      const message = attestation(sha256(about), registers);
      return { message, signature: signed(privateKey, message), pcrs: new Uint8Array(0), publicKey: pem };
    },
  };
}

function attestation(nonce: Uint8Array, registers: ReadonlyMap<number, Uint8Array>): Buffer {
  const bits = Buffer.alloc(3);
  for (const number of registers.keys()) bits[number >> 3]! |= 1 << (number & 7);
  const sized = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
  return Buffer.concat([
    Buffer.from('ff5443478018', 'hex'),
    sized(new Uint8Array(0)), // qualifiedSigner
    sized(nonce),
    Buffer.alloc(4 * 4 + 1 + 2 * 4), // clockInfo, firmwareVersion
    Buffer.from([0, 0, 0, 1, 0x00, 0x0b, 3]),
    bits,
    sized(sha256(...registers.values())),
  ]);
}

/** TPMT_SIGNATURE: ECDSA with SHA-256. */
function signed(key: KeyObject, message: Uint8Array): Buffer {
  const raw = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  const header = Buffer.from('0018000b', 'hex');
  const length = Buffer.from([0, 32]);
  return Buffer.concat([header, length, raw.subarray(0, 32), length, raw.subarray(32)]);
}
