import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { aes256Gcm, nodePrimitives, type Primitives } from '../../../trusted/crypto/src/index.ts';
import { type AuditContext, addStore, type KeyHome, runAudit, syncStore, type Unlock } from './index.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

const BLOCK = 4096;
const PASSPHRASE = 'correct horse battery';
let lab: Laboratory;
beforeEach(() => {
  lab = laboratory();
  lab.write('file', noise(2 * BLOCK));
});
afterEach(() => lab.close());

const knows = (passphrase: string, identities: readonly string[] = []): Unlock => ({
  passphrase: async () => passphrase,
  identities: async () => identities,
});
const context = (unlock?: Unlock, primitives?: Primitives, heard?: (frame: Uint8Array) => void): AuditContext => ({
  ...{ startEnclave: enclaveHere(Date.now, primitives, heard), measureEnclave: measuredHere, unlock },
});
const add = (with_: AuditContext, keyHome: KeyHome) =>
  addStore(with_, lab.store, { name: 'lab', blockBytes: BLOCK, keyHome });

test('a passphrase opens the key that it sealed, and no other does', async () => {
  await add(context(knows(PASSPHRASE)), { kind: 'passphrase' });
  expect(await runAudit(context(knows(PASSPHRASE)), 'lab')).toMatchObject({ wrong: [] });
  await expect(runAudit(context(knows('wrong horse battery')), 'lab')).rejects.toMatchObject({ code: 'bad-key' });
  await expect(runAudit(context(), 'lab')).rejects.toMatchObject({ code: 'bad-key' });
}, 60_000);

test('an identity of age opens the key that was sealed for it', async () => {
  const [mine, other] = [await generateIdentity(), await generateIdentity()];
  await add(context(), { kind: 'recipient', recipient: await identityToRecipient(mine) });
  expect(await runAudit(context(knows('', [other, mine])), 'lab')).toMatchObject({ wrong: [] });
  await expect(runAudit(context(knows('', [other])), 'lab')).rejects.toMatchObject({ code: 'bad-key' });
  await expect(add(context(), { kind: 'recipient', recipient: 'age1no' })).rejects.toMatchObject({ code: 'bad-key' });
});

test('a key that is in no file, and a canary that leaves the enclave nowhere', async () => {
  const canary = new Uint8Array(32).map((_, at) => 0xc0 ^ at);
  const frames: Uint8Array[] = [];
  const hears = (unlock: Unlock): AuditContext => {
    // Every 32 bytes that the enclave draws, among them the scheme's key, end with the canary's; but for the audit's number, the
    // second, which is no secret.
    let draws = 0;
    const random = (length: number): Uint8Array => {
      const drawn = nodePrimitives.random(length);
      if (length === 32) draws += 1;
      if (length === 32 && draws !== 2) drawn.set(canary.subarray(8), 8);
      return drawn;
    };
    return context(unlock, { ...nodePrimitives, random }, (frame) => frames.push(frame));
  };
  const marked = Buffer.from(canary.subarray(8));
  await add(hears(knows(PASSPHRASE)), { kind: 'passphrase' });
  await runAudit(hears(knows(PASSPHRASE)), 'lab', { all: true });
  await syncStore(hears(knows(PASSPHRASE)), 'lab', {});
  const kept = [...lab.kept()];
  // An audit's seed is one of them, and stands in its receipt.
  const secret = kept.filter(([path]) => !path.includes('/receipts/'));
  expect(secret.filter(([, bytes]) => bytes.includes(marked))).toEqual([]);
  const told = frames.filter((frame) => Buffer.from(frame).includes(marked));
  expect(told.length).toBe(1); // The receipt.
  // Nothing that is sealed opens with anything that lies there.
  expect(opensWith(kept, marked)).toEqual([]);
}, 60_000);

test('the control: a key file opens what is sealed, for whoever copies both', async () => {
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(length === 12 ? 0 : 0xc5);
  await add(context(undefined, { ...nodePrimitives, random }), { kind: 'file' });
  expect(opensWith([...lab.kept()], Buffer.alloc(32, 0xc5))).toEqual(['state/audits/lab/head']);
});

/** Which sealed files show the mark under a key that is any 32 bytes of any file, by the way that the enclave seals a head. */
function opensWith(files: readonly (readonly [string, Buffer])[], mark: Buffer): readonly string[] {
  const candidates = files.flatMap(([, bytes]) =>
    Array.from({ length: Math.max(0, Math.min(bytes.length, 4096) - 31) }, (_, at) => bytes.subarray(at, at + 32)),
  );
  return files
    .filter(([path]) => path.endsWith('/head'))
    .filter(([, sealed]) =>
      candidates.some((key) => {
        const sealing = nodePrimitives.hmacSha256(key)(Buffer.from('cloister audit head')) as Uint8Array;
        const plain = aes256Gcm(sealing).open(sealed.subarray(8, 20), sealed.subarray(20));
        return plain !== undefined && Buffer.from(plain).includes(mark);
      }),
    )
    .map(([path]) => path);
}

test('tags are never made twice under one key: not after an older state was put back, nor by two that do not know of one another', async () => {
  const honest = context();
  await addStore(honest, lab.store, { name: 'lab', blockBytes: BLOCK });
  const tagsOf = () =>
    [...lab.kept()].filter(([path]) => path.includes('/tags/')).map(([, bytes]) => bytes.toString('hex'));
  const first = tagsOf();
  lab.write('second', noise(BLOCK, 7));
  const before = lab.kept();
  await addStore(honest, lab.store, { name: 'lab', blockBytes: BLOCK });
  const second = tagsOf();
  lab.restore(before);
  await addStore(honest, lab.store, { name: 'lab', blockBytes: BLOCK });
  const again = tagsOf();
  expect(first).toHaveLength(1);
  expect(second).toHaveLength(2);
  // The same bytes under the same state, index and version: other tags, since the salt is another one.
  const onlyIn = (some: readonly string[], others: readonly string[]) => some.filter((tags) => !others.includes(tags));
  expect(onlyIn(second, first)).not.toEqual(onlyIn(again, first));
});

test('the control: with a salt that is always the same, the tags are too', async () => {
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(3);
  const fixed = context(undefined, { ...nodePrimitives, random });
  await addStore(fixed, lab.store, { name: 'lab', blockBytes: BLOCK });
  lab.write('second', noise(BLOCK, 7));
  const before = lab.kept();
  const tagsAfterAdding = async () => {
    await addStore(fixed, lab.store, { name: 'lab', blockBytes: BLOCK });
    return new Set(
      [...lab.kept()].filter(([path]) => path.includes('/tags/')).map(([, bytes]) => bytes.toString('hex')),
    );
  };
  const once = await tagsAfterAdding();
  lab.restore(before);
  expect(await tagsAfterAdding()).toEqual(once);
});
