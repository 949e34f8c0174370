import { decode, encode } from 'cborg';

/** EdDSA (RFC 9053, 2.2), over Ed25519. */
const EDDSA = -8;
/** Header parameters (RFC 9052, 3.1). */
const ALG = 1;
const CONTENT_TYPE = 3;
const KID = 4;
/** Tag 18, COSE_Sign1 (RFC 9052, 2), as the one byte that deterministic CBOR has for it. */
const TAG_BYTE = 0xd2;
/** Nothing that this project signs is longer. */
const SIGNED_BYTES_MAX = 16 * 1024 * 1024;

export interface Sign1 {
  readonly contentType: string;
  readonly kid: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** Sig_structure (RFC 9052, 4.4): what the signature is over. */
  readonly signedBytes: Uint8Array;
}

/** A COSE_Sign1 message (RFC 9052, 4.2) with an EdDSA signature, tagged, everything about it protected. */
export async function encodeSign1(
  { contentType, kid, payload }: Pick<Sign1, 'contentType' | 'kid' | 'payload'>,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  const header = encode(
    new Map<number, unknown>([
      [ALG, EDDSA],
      [CONTENT_TYPE, contentType],
      [KID, kid],
    ]),
  );
  const body = encode([header, new Map(), payload, await sign(sigStructure(header, payload))]);
  const out = new Uint8Array(body.length + 1);
  out[0] = TAG_BYTE;
  out.set(body, 1);
  return out;
}

/** Undefined for anything that is not exactly what `encodeSign1` makes, but for the signature, which the caller checks. */
export function decodeSign1(bytes: Uint8Array): Sign1 | undefined {
  if (bytes[0] !== TAG_BYTE || bytes.length > SIGNED_BYTES_MAX) return undefined;
  const parts = decodeStrict(bytes.subarray(1));
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [header, unprotectedHeader, payload, signature] = parts as unknown[];
  if (!isBytes(header) || !isBytes(payload) || !isBytes(signature)) return undefined;
  if (!(unprotectedHeader instanceof Map) || unprotectedHeader.size > 0 || signature.length !== 64) return undefined;
  const fields = decodeStrict(header);
  if (!(fields instanceof Map) || fields.size !== 3 || fields.get(ALG) !== EDDSA) return undefined;
  const [contentType, kid] = [fields.get(CONTENT_TYPE), fields.get(KID)];
  if (typeof contentType !== 'string' || !isBytes(kid)) return undefined;
  return { contentType, kid, payload, signature, signedBytes: sigStructure(header, payload) };
}

/** Maps as Map, no key twice, nothing indefinite or longer than it must be; undefined for anything else. */
export function decodeStrict(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true, useMaps: true });
  } catch {
    return undefined;
  }
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;

const sigStructure = (header: Uint8Array, payload: Uint8Array): Uint8Array =>
  encode(['Signature1', header, new Uint8Array(0), payload]);
