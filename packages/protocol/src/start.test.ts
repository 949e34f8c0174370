import { expect, test } from 'vitest';
import { EPOCH_BYTES, encodeNotice, takeNotice } from './start.ts';

const epoch = Uint8Array.from({ length: EPOCH_BYTES }, (_, i) => i);

test('notices come one after the other, each once it is whole', () => {
  const sent = [
    { number: 0, epoch, settings: null },
    { number: 7, epoch, settings: { key: 'é', cpus: 0.5 } },
  ];
  const bytes = Buffer.concat(sent.map(encodeNotice));
  const first = takeNotice(bytes)!;
  expect(first).toMatchObject(sent[0]!);
  const second = takeNotice(first.rest)!;
  expect(second).toMatchObject(sent[1]!);
  expect(second.rest).toHaveLength(0);
  for (let length = 0; length < first.rest.length; length += 1)
    expect(takeNotice(first.rest.subarray(0, length))).toBeUndefined();
});
