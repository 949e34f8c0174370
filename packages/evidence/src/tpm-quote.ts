import { sha256 } from '@noble/hashes/sha2.js';
import { encode } from 'cborg';
import { decodeStrict } from './cose-message.ts';
import { ALG_SHA256, ATTEST, type Attestation, attestationKey, attestedBody, type Reader } from './tpm-attest.ts';
import { type CertifiedCounter, type CounterValue, certifiedValue } from './tpm-counter.ts';

/** A TPM's statement about the machine's state, made for one receipt. */
export interface TpmQuote extends Attestation {
  /** The registers' values, as tpm2-tools write them: for tpm2_checkquote. */
  readonly pcrs: Uint8Array;
  /** The attestation key: a SubjectPublicKeyInfo of P-256, in PEM. */
  readonly publicKey: string;
  /** Where the counter of the audit's state stood then. */
  readonly counter?: CertifiedCounter;
}

export const encodeQuote = ({ counter, ...quote }: TpmQuote): Uint8Array =>
  encode(
    new Map<string, unknown>([
      ...Object.entries(quote),
      ...(counter === undefined ? [] : ([['counter', new Map(Object.entries(counter))]] as const)),
    ]),
  );

export function decodeQuote(bytes: Uint8Array): TpmQuote | undefined {
  const map = decodeStrict(bytes);
  if (!(map instanceof Map)) return undefined;
  const counter = map.has('counter') ? counterOf(map.get('counter')) : undefined;
  if (map.size !== (map.has('counter') ? 5 : 4) || (map.has('counter') && counter === undefined)) return undefined;
  const [message, signature, pcrs] = ['message', 'signature', 'pcrs'].map((name): unknown => map.get(name));
  const publicKey: unknown = map.get('publicKey');
  return isBytes(message) && isBytes(signature) && isBytes(pcrs) && typeof publicKey === 'string'
    ? { message, signature, pcrs, publicKey, ...(counter !== undefined && { counter }) }
    : undefined;
}

function counterOf(map: unknown): CertifiedCounter | undefined {
  if (!(map instanceof Map) || map.size !== 3) return undefined;
  const [message, signature, known] = ['message', 'signature', 'public'].map((name): unknown => map.get(name));
  return isBytes(message) && isBytes(signature) && isBytes(known) ? { message, signature, public: known } : undefined;
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;

/** What a quote attests, once it is verified. */
export interface Quoted {
  /** SHA-256 of the registers that it covers. */
  readonly pcrDigest: Uint8Array;
  /** Which they are, as tpm2-tools write them; others may hold the same values. */
  readonly registers: string;
  /** SHA-256 of the attestation key's SubjectPublicKeyInfo: whose TPM it is, its owner must know. */
  readonly attestationKey: Uint8Array;
  readonly counter?: CounterValue;
}

/** What a quote says, if all of it was made for these bytes (its nonce is their SHA-256) by the key that it names. */
export function verifyQuote(quote: TpmQuote, about: Uint8Array): Quoted | undefined {
  const key = attestationKey(quote.publicKey);
  if (key === undefined) return undefined;
  const nonce = sha256(about);
  const body = attestedBody(quote, ATTEST.quote, key.point, nonce);
  const said = body && registersOf(body);
  const counter = quote.counter && certifiedValue(quote.counter, key.point, nonce);
  if (said === undefined || (quote.counter !== undefined && counter === undefined)) return undefined;
  return { ...said, attestationKey: key.fingerprint, ...(counter !== undefined && { counter }) };
}

/** The digest in TPMS_QUOTE_INFO, and which registers it is of. */
function registersOf(reader: Reader): Pick<Quoted, 'pcrDigest' | 'registers'> | undefined {
  const selections = reader.number(4);
  if (selections === undefined || selections > 16) return undefined;
  const registers: string[] = [];
  for (let i = 0; i < selections; i += 1) {
    const bank = reader.number(2);
    const bits = reader.take(reader.number(1) ?? -1) ?? new Uint8Array(0);
    const numbers = Array.from({ length: 8 * bits.length }, (_, bit) => bit);
    const selected = numbers.filter((bit) => (bits[bit >> 3]! >> (bit & 7)) & 1);
    registers.push(`${bank === ALG_SHA256 ? 'sha256' : bank}:${selected.join(',')}`);
  }
  const digest = reader.sized();
  return reader.ended() && digest?.length === 32 ? { pcrDigest: digest, registers: registers.join('+') } : undefined;
}
