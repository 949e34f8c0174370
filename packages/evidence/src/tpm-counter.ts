import { sha256 } from '@noble/hashes/sha2.js';
import { ALG_SHA256, ATTEST, type Attestation, attestedBody, isSame, readerOf } from './tpm-attest.ts';

/** A TPM's statement about where its counter stood (TPM2_NV_Certify), made for one receipt. */
export interface CertifiedCounter extends Attestation {
  /** TPMS_NV_PUBLIC (TPM 2.0 Library, part 2): what the index is, of which the message has the hash. */
  readonly public: Uint8Array;
}

/** Where a counter stood. */
export interface CounterValue {
  /** The NV index's handle. */
  readonly index: number;
  readonly value: number;
}

/** TPMA_NV: what kind of index it is, and that it has a value (part 2, 13.4). */
const KIND = { shift: 4, mask: 0xf, counter: 1 } as const;
const WRITTEN = 2 ** 29;

/** What is certified, if it is a counter, by the key that made the quote, with its nonce. */
export function certifiedValue(
  counter: CertifiedCounter,
  point: Uint8Array,
  nonce: Uint8Array,
): CounterValue | undefined {
  const index = counterIndex(counter.public);
  const body = attestedBody(counter, ATTEST.nv, point, nonce);
  if (index === undefined || body === undefined) return undefined;
  // The name of an index: the algorithm, and the hash of what is public about it (part 1, 16).
  const name = new Uint8Array([ALG_SHA256 >> 8, ALG_SHA256 & 0xff, ...sha256(counter.public)]);
  const certified = body.sized();
  const offset = body.number(2);
  const size = body.number(2);
  const [high, low] = [body.number(4), body.number(4)];
  if (certified === undefined || offset !== 0 || size !== 8 || high === undefined || low === undefined)
    return undefined;
  const value = high * 2 ** 32 + low;
  return body.ended() && isSame(certified, name) && Number.isSafeInteger(value) ? { index, value } : undefined;
}

function counterIndex(bytes: Uint8Array): number | undefined {
  const reader = readerOf(bytes);
  const index = reader.number(4);
  const isSha256 = reader.number(2) === ALG_SHA256;
  const attributes = reader.number(4) ?? 0;
  const policy = reader.sized();
  const isWhole = reader.number(2) === 8 && reader.ended() && policy !== undefined;
  const isCounter = ((attributes >>> KIND.shift) & KIND.mask) === KIND.counter && (attributes & WRITTEN) !== 0;
  return isSha256 && isWhole && isCounter ? index : undefined;
}

/** What a verified receipt and its quote say of a state's number. */
export interface CountedReceipt {
  /** The receipt's number, and of which state. */
  readonly state: Uint8Array;
  readonly number: number;
  readonly attestationKey: Uint8Array;
  readonly counter: CounterValue;
}

/**
 * Whether the counter of one TPM goes up with the numbers of one state's receipts. Two receipts for which it does not were
 * made from two copies of the state, one of them older.
 */
export function countersGoUp(receipts: readonly CountedReceipt[]): boolean {
  const inOrder = [...receipts].sort((one, other) => one.number - other.number);
  return inOrder.every((later, at) =>
    inOrder.slice(0, at).every((earlier) => {
      const isOne =
        isSame(earlier.state, later.state) &&
        isSame(earlier.attestationKey, later.attestationKey) &&
        earlier.counter.index === later.counter.index;
      const [before, after] = [earlier.counter.value, later.counter.value];
      return !isOne || (earlier.number === later.number ? before === after : before < after);
    }),
  );
}
