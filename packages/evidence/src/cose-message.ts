import { decode, encode } from 'cborg';

/** EdDSA (RFC 9053, 2.2), over Ed25519. */
const EDDSA = -8;
/** Algorithm (RFC 9052, 3.1). */
const ALG = 1;
/** Tag 18, COSE_Sign1 (RFC 9052, 2), as the one byte that deterministic CBOR has for it. */
const TAG_BYTE = 0xd2;
/** Nothing that this project signs is longer. */
const SIGNED_BYTES_MAX = 16 * 1024 * 1024;

export type Header = ReadonlyMap<unknown, unknown>;

/** The parts of a COSE_Sign1 message (RFC 9052, 4.2) that is signed by EdDSA. */
export interface CoseMessage {
  /** What the signature covers, with its algorithm; and as it is encoded. */
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly unprotectedHeader: Header;
  /** Null where it is detached: who verifies knows it. */
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
}

/** Signs a payload under a header, to which the algorithm is added. Nothing is unprotected yet. */
export async function signMessage(
  header: readonly (readonly [number, unknown])[],
  payload: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<CoseMessage> {
  const whole = new Map<unknown, unknown>([[ALG, EDDSA], ...header]);
  const headerBytes = encode(whole);
  const signature = await sign(signedBytes(headerBytes, payload));
  return { header: whole, headerBytes, unprotectedHeader: new Map(), payload, signature };
}

/** The message, tagged. */
export function encodeMessage({ headerBytes, unprotectedHeader, payload, signature }: CoseMessage): Uint8Array {
  const body = encode([headerBytes, unprotectedHeader, payload, signature]);
  const out = new Uint8Array(body.length + 1);
  out[0] = TAG_BYTE;
  out.set(body, 1);
  return out;
}

/** Undefined for what `encodeMessage` does not make; whether the signature is right, and what headers say, the caller checks. */
export function decodeMessage(bytes: Uint8Array): CoseMessage | undefined {
  if (bytes[0] !== TAG_BYTE || bytes.length > SIGNED_BYTES_MAX) return undefined;
  const parts = decodeStrict(bytes.subarray(1));
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [headerBytes, unprotectedHeader, payload, signature] = parts as unknown[];
  if (!isBytes(headerBytes) || !(payload === null || isBytes(payload)) || !isBytes(signature)) return undefined;
  if (!(unprotectedHeader instanceof Map) || signature.length !== 64) return undefined;
  const header = decodeStrict(headerBytes);
  if (!(header instanceof Map) || header.get(ALG) !== EDDSA) return undefined;
  return { header, headerBytes, unprotectedHeader, payload, signature };
}

/** Maps as Map, no key twice, nothing indefinite or longer than it must be; undefined for anything else. */
export function decodeStrict(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true, useMaps: true });
  } catch {
    return undefined;
  }
}

export const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;

/** Sig_structure (RFC 9052, 4.4): what the signature is over. */
export const signedBytes = (headerBytes: Uint8Array, payload: Uint8Array): Uint8Array =>
  encode(['Signature1', headerBytes, new Uint8Array(0), payload]);
