import { expect, test } from 'vitest';
import { EPOCH_BYTES, encodeNotice, type Notice, takeNotice } from './start.ts';

const epoch = Uint8Array.from({ length: EPOCH_BYTES }, (_, i) => i);

const whole = (bytes: Buffer): Notice & { readonly rest: Buffer } => {
  const notice = takeNotice(bytes);
  if (typeof notice !== 'object') throw new Error(`${notice}`);
  return notice;
};

test('notices come one after the other, each once it is whole', () => {
  const sent = [
    { number: 0, epoch, settings: null },
    { number: 7, epoch, settings: { key: 'é', cpus: 0.5 } },
  ];
  const bytes = Buffer.concat(sent.map(encodeNotice));
  const first = whole(bytes);
  expect(first).toMatchObject(sent[0]!);
  const second = whole(first.rest);
  expect(second).toMatchObject(sent[1]!);
  expect(second.rest).toHaveLength(0);
  for (let length = 0; length < first.rest.length; length += 1)
    expect(takeNotice(first.rest.subarray(0, length))).toBeUndefined();
});

test('a notice that claims to be long is not waited for, and what is no JSON is none', () => {
  const long = Buffer.from(encodeNotice({ number: 0, epoch, settings: null }));
  long.writeUInt32LE(1025, 4 + EPOCH_BYTES);
  expect(takeNotice(long)).toBe('malformed');
  const broken = Buffer.from(encodeNotice({ number: 0, epoch, settings: null }));
  broken.write('nul!', broken.length - 4);
  expect(takeNotice(broken)).toBe('malformed');
});
