import { nodePrimitives } from '@cloister/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeRecord } from '../encoding.ts';
import { describeFile, fileName } from './file-description.ts';
import { EXTRA_BYTES_MAX, makeFileTag, openFileTag } from './file-tag.ts';

const file = describeFile(nodePrimitives, { scheme: 'some', version: 1, blockBytes: 64, length: 1000 });
const mac = nodePrimitives.hmacSha256(new Uint8Array(32));
const isMac = async (body: Uint8Array, code: Uint8Array) => nodePrimitives.equal(await mac(body), code);
const open = (fileTag: Uint8Array, scheme = 'some') => openFileTag(nodePrimitives, scheme, fileTag, isMac);
const believe = (fileTag: Uint8Array) => openFileTag(nodePrimitives, 'some', fileTag, () => true);

test('says what it was made of', async () => {
  const extra = new Uint8Array([1, 2, 3]);
  const fileTag = await makeFileTag(file, extra, mac);
  const opened = (await open(fileTag))!;
  expect(encodeRecord(opened)).toEqual(encodeRecord({ file, extra, name: await fileName(nodePrimitives, file) }));
  expect(await open(fileTag, 'other')).toBeUndefined();
});

test('a prover that believes any still reads none but well-formed ones', async () => {
  const code = new Uint8Array(32);
  const tag = (body: object) => believe(encodeRecord({ body: encodeRecord(body), code }));
  const extra = new Uint8Array(0);
  expect(await tag({ file, extra })).toBeDefined();
  const wrong: readonly object[] = [
    { file },
    { file, extra, more: 1 },
    { file, extra: new Uint8Array(EXTRA_BYTES_MAX + 1) },
    { file: { ...file, blockBytes: 0 }, extra },
    { file: { ...file, length: -1 }, extra },
    { file: { ...file, length: 1.5 }, extra },
    { file: { ...file, fileId: new Uint8Array(0) }, extra },
    { file: { ...file, scheme: 'other' }, extra },
    { file: null, extra },
    [],
  ];
  for (const body of wrong) expect(await tag(body)).toBeUndefined();
  expect(
    await believe(encodeRecord({ body: encodeRecord({ file, extra }), code: new Uint8Array(65) })),
  ).toBeUndefined();
});

test('no bytes make it throw, and none but its own are authentic', async () => {
  const fileTag = await makeFileTag(file, new Uint8Array(0), mac);
  await fc.assert(
    fc.asyncProperty(fc.nat(fileTag.length - 1), fc.uint8Array({ maxLength: 40 }), async (at, some) => {
      const spliced = new Uint8Array([...fileTag.subarray(0, at), ...some]);
      await believe(spliced);
      expect(await open(spliced)).toBeUndefined();
      expect(await open(some)).toBeUndefined();
    }),
    { seed: 7, numRuns: 500 },
  );
});
