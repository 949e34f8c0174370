import { expect, test } from 'vitest';
import { fromSlice, toSlice } from './control-channel.ts';
import { fromEnclave, toEnclave } from './enclave-channel.ts';
import { keyEnvelope, keyOffer } from './formats/hand-over.ts';
import { decodeRecordHeader, putRecordHeader, RECORD_HEADER_BYTES, type RecordHeader } from './framing.ts';
import { fromMachine, toMachine } from './machine-channel.ts';
import type { MessageSet } from './message.ts';
import { fromStorage, toStorage } from './storage-channel.ts';
import { mutate, randomFrom } from './testing/mutate.ts';
import * as samples from './testing/sample-messages.ts';

const CASES = 30_000;
const SEED = 20261125;

type AnySet = MessageSet<{ readonly kind: string }>;
const SETS: readonly (readonly [string, AnySet, Readonly<Record<string, { readonly kind: string }>>])[] = [
  ['to the machine', toMachine as AnySet, samples.TO_MACHINE_SAMPLES],
  ['from the machine', fromMachine as AnySet, samples.FROM_MACHINE_SAMPLES],
  ['to the slice', toSlice as AnySet, samples.TO_SLICE_SAMPLES],
  ['from the slice', fromSlice as AnySet, samples.FROM_SLICE_SAMPLES],
  ['to storage', toStorage as unknown as AnySet, samples.TO_STORAGE_SAMPLES],
  ['from storage', fromStorage as unknown as AnySet, samples.FROM_STORAGE_SAMPLES],
  ['to the enclave', toEnclave as unknown as AnySet, samples.TO_ENCLAVE_SAMPLES],
  ['from the enclave', fromEnclave as unknown as AnySet, samples.FROM_ENCLAVE_SAMPLES],
  ['of offers', keyOffer as unknown as AnySet, { offer: samples.HAND_OVER_SAMPLES.offer }],
  ['of envelopes', keyEnvelope as unknown as AnySet, { envelope: samples.HAND_OVER_SAMPLES.envelope }],
];

test.each(SETS)('each message %s decodes to itself', (_name, set, kinds) => {
  for (const message of Object.values(kinds)) expect(set.decode(set.encode(message))).toEqual(message);
});

test.each(SETS)(
  'no bytes %s make the decoder throw, and what it accepts has exactly its bytes',
  (_name, set, kinds) => {
    const random = randomFrom(SEED);
    const frames = Object.values(kinds).map((message) => set.encode(message));
    let accepted = 0;
    for (let i = 0; i < CASES; i += 1) {
      const frame = mutate(random, frames[random(frames.length)]!);
      const message = set.decode(frame);
      if (message === undefined) continue;
      accepted += 1;
      // One encoding for each message: no over-long field, no byte left over, nothing made up.
      if (Buffer.compare(set.encode(message), frame) !== 0)
        expect({ seed: SEED, case: i, frame: Buffer.from(frame).toString('hex') }).toBeUndefined();
    }
    expect(accepted).toBeGreaterThan(CASES / 100);
  },
);

test('no header of a record makes its decoder throw, and one that is accepted has exactly its bytes', () => {
  const random = randomFrom(SEED);
  for (let i = 0; i < CASES; i += 1) {
    const bytes = Uint8Array.from({ length: random(8) }, (_, at) =>
      at === 0 ? random(4) : random(random(2) ? 256 : 4),
    );
    const header = decodeRecordHeader(bytes);
    if (header !== undefined) expect(headerBytes(header)).toEqual(bytes.slice(0, RECORD_HEADER_BYTES));
  }
});

function headerBytes({ kind, length }: RecordHeader): Uint8Array {
  const out = new Uint8Array(RECORD_HEADER_BYTES);
  putRecordHeader(out, 0, kind, length);
  return out;
}
