import { nodePrimitives, type Primitives } from '@cloister/crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeRecord, encodeRecord } from '../encoding.ts';
import type { DynamicScheme, KeyOptions, KeyPair, Scheme, StoredFile } from '../scheme.ts';
import type { Challenge, Selection } from '../session/challenge.ts';
import { blockCount, describeFile } from '../session/file-description.ts';
import { type MemoryFile, memoryFile, tagInMemory } from './memory-file.ts';
import { seededPrimitives } from './seeded-primitives.ts';

const SEED = 'scheme laws 1';

export interface LawSettings {
  readonly scheme: (primitives: Primitives) => Scheme;
  readonly blockBytes: number;
  readonly keys?: KeyOptions;
  /** Of a scheme that shows a sum of blocks, in whatever order they are: broken, and here for comparison. */
  readonly orderUnseen?: boolean;
  /** What is stored in the place of the file, and how long its blocks are: a replica. */
  readonly replica?: {
    readonly blockBytes: number;
    make(scheme: Scheme, keys: KeyPair, stored: MemoryFile): Promise<Uint8Array>;
  };
  /** A pair made before, where making one takes seconds. */
  readonly keyPair?: KeyPair;
  /** What asks for all blocks, where a sample cannot; and the bytes of the tags that it needs, which are not one a block. */
  readonly token?: { readonly selection: Selection; readonly tagsFrom: number; readonly tagsEnd: number };
}

/**
 * What holds for each scheme: correct proofs verify, whatever the file's size; none verifies of a changed block or tag, of
 * another file, session, version or length, under another key, or for another challenge; no proof of any other bytes does;
 * and no message that a stranger sends makes a prover throw.
 */
export function schemeLaws(name: string, settings: LawSettings): void {
  const { blockBytes } = settings;
  const storedBytes = settings.replica?.blockBytes ?? blockBytes;
  describe(`${name}: what holds for every scheme (seed "${SEED}")`, () => {
    const primitives = seededPrimitives(`${SEED} ${name}`);
    const scheme = settings.scheme(primitives);
    let keys: KeyPair;

    const all: Selection = settings.token?.selection ?? { kind: 'sample', count: 1 << 20 };
    const contents = (length: number): Uint8Array => primitives.random(length);
    const describeIt = (length: number, wish: { version?: number; fileId?: Uint8Array } = {}) =>
      describeFile(primitives, { scheme: scheme.facts.name, version: 1, blockBytes, length, ...wish });
    async function asStored(stored: MemoryFile): Promise<MemoryFile> {
      const data = await settings.replica?.make(scheme, keys, stored);
      return data === undefined ? stored : memoryFile(stored.file, data, stored.tagBytes, stored.fileTag, storedBytes);
    }
    /** With the structure that an honest or a hostile server makes of what it has. */
    async function structured(stored: MemoryFile): Promise<MemoryFile> {
      if (scheme.facts.data === 'dynamic') await (scheme as DynamicScheme).build(keys.public, stored);
      return stored;
    }
    const tagged = async (data: Uint8Array, wish = {}): Promise<MemoryFile> =>
      structured(await asStored(await tagInMemory(scheme, keys, describeIt(data.length, wish), data)));
    const key = (pair = keys) => (scheme.facts.verification === 'public' ? pair.public : pair.secret);
    const ask = (stored: StoredFile, selection: Selection = all) => scheme.challenge(key(), stored.fileTag, selection);
    /** The message as a hostile prover may rewrite it, for the file that it has instead. */
    const renamed = async (challenge: Challenge, stored: StoredFile): Promise<Uint8Array> => {
      const other = await ask(stored);
      const mine = decodeRecord(anything, challenge.message)!;
      return encodeRecord({ ...mine, name: decodeRecord(anything, other.message)!.name });
    };
    async function accepts(asked: StoredFile, challenge: Challenge, answering: StoredFile): Promise<boolean> {
      const message = answering.fileTag === asked.fileTag ? challenge.message : await renamed(challenge, answering);
      const proof = await scheme.proof(keys.public, answering, message);
      expect(proof).toBeDefined();
      const { accepted } = await scheme.verify(key(), asked.fileTag, challenge, proof!);
      // Who verifies with the public key may also hold the secret one, and must come to the same verdict.
      if (scheme.facts.verification === 'public')
        expect(await scheme.verify(keys.secret, asked.fileTag, challenge, proof!)).toMatchObject({ accepted });
      return accepted;
    }
    const changed = (stored: MemoryFile, change: Partial<Pick<MemoryFile, 'data' | 'tagBytes'>>): Promise<MemoryFile> =>
      structured(
        memoryFile(
          stored.file,
          change.data ?? stored.data,
          change.tagBytes ?? stored.tagBytes,
          stored.fileTag,
          storedBytes,
        ),
      );

    beforeAll(async () => {
      keys = settings.keyPair ?? (await scheme.keyGen(settings.keys));
    }, 60_000);

    for (const length of [0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 5 * blockBytes + 3])
      test(`a file of ${length} bytes verifies, asked for in each way`, async () => {
        const stored = await tagged(contents(length));
        const last = blockCount(stored.file) - 1;
        const selections: readonly Selection[] = [
          all,
          { kind: 'sample', count: 1 },
          { kind: 'list', indices: last === 0 ? [0] : [0, last] },
          { kind: 'range', first: 0, count: last + 1 },
          { kind: 'token', token: 0 },
        ];
        for (const selection of selections)
          if (scheme.facts.selections.includes(selection.kind))
            expect(await accepts(stored, await ask(stored, selection), stored), selection.kind).toBe(true);
      });

    test('tags do not depend on how the file is cut into pieces', async () => {
      const data = contents(3 * blockBytes + 7);
      const file = describeIt(data.length);
      // What is random in Tag must be drawn from the session's keys, or tags of a part would not fit the others.
      const whole = await tagInMemory(scheme, keys, file, data, data.length);
      const pieces = await tagInMemory(scheme, keys, file, data, 13);
      expect(pieces.tagBytes).toEqual(whole.tagBytes);
    });

    test('one changed bit in any block is found', async () => {
      const stored = await tagged(contents(4 * blockBytes + 5));
      const challenge = await ask(stored);
      for (let block = 0; block < blockCount(stored.file); block += 1)
        for (const at of [block * storedBytes, Math.min((block + 1) * storedBytes, stored.data.length) - 1]) {
          const data = stored.data.slice();
          data[at]! ^= 1 << (block & 7);
          expect(await accepts(stored, challenge, await changed(stored, { data })), `byte ${at}`).toBe(false);
        }
    });

    test('blocks swapped, doubled, dropped or cut short are found', async () => {
      const stored = await tagged(contents(4 * blockBytes));
      const challenge = await ask(stored);
      const block = (at: number) => stored.data.subarray(at * storedBytes, (at + 1) * storedBytes);
      const orders = { swapped: [1, 0, 2, 3], doubled: [0, 0, 2, 3], dropped: [0, 2, 3], cut: [0, 1, 2] };
      const size = scheme.blockTags?.size(stored.file, keys.public) ?? 0;
      const tag = (at: number) => stored.tagBytes.subarray(at * size, (at + 1) * size);
      for (const [what, order] of Object.entries(orders)) {
        if (what === 'swapped' && settings.orderUnseen === true) continue;
        const data = new Uint8Array(4 * storedBytes);
        data.set(new Uint8Array(Buffer.concat(order.map(block))));
        expect(await accepts(stored, challenge, await changed(stored, { data })), what).toBe(false);
        if (size === 0) continue;
        const tagBytes = stored.tagBytes.slice();
        tagBytes.set(new Uint8Array(Buffer.concat(order.map(tag))));
        expect(await accepts(stored, challenge, await changed(stored, { data, tagBytes })), `${what}, with tags`).toBe(
          false,
        );
      }
    });

    test('the tags of the blocks that are asked for count', async () => {
      const stored = await tagged(contents(3 * blockBytes));
      const challenge = await ask(stored);
      const step = Math.max(1, Math.floor(stored.tagBytes.length / 24));
      const hasBlockTags = scheme.blockTags !== undefined;
      const end = settings.token?.tagsEnd ?? (hasBlockTags ? stored.tagBytes.length : 0);
      for (let at = settings.token?.tagsFrom ?? 0; at < end; at += step) {
        const tagBytes = stored.tagBytes.slice();
        tagBytes[at]! ^= 1;
        const proof = await scheme.proof(keys.public, await changed(stored, { tagBytes }), challenge.message);
        const verdict = proof && (await scheme.verify(key(), stored.fileTag, challenge, proof));
        expect(verdict?.accepted ?? false, `tag byte ${at}`).toBe(false);
      }
    });

    test('the same bytes as another file, session, version or length are not this one', async () => {
      const data = contents(3 * blockBytes);
      const stored = await tagged(data);
      const challenge = await ask(stored);
      const { fileId } = stored.file;
      const others = {
        file: await tagged(data),
        session: await tagged(data, { fileId }),
        version: await tagged(data, { fileId, version: 2 }),
        length: await tagged(data.subarray(0, 3 * blockBytes - 1), { fileId }),
      };
      for (const [what, other] of Object.entries(others))
        expect(await accepts(stored, challenge, other), what).toBe(false);
    });

    test('a proof answers its own challenge alone', async () => {
      const stored = await tagged(contents(4 * blockBytes));
      if (scheme.facts.selections.includes('list')) {
        const first = await ask(stored, { kind: 'list', indices: [0, 1] });
        const other = await ask(stored, { kind: 'list', indices: [1, 2] });
        const proof = (await scheme.proof(keys.public, stored, first.message))!;
        expect((await scheme.verify(key(), stored.fileTag, first, proof)).accepted).toBe(true);
        expect((await scheme.verify(key(), stored.fileTag, other, proof)).accepted).toBe(false);
      }
      if (scheme.facts.selections.includes('token')) {
        const [first, other] = [
          await ask(stored, { kind: 'token', token: 0 }),
          await ask(stored, { kind: 'token', token: 1 }),
        ];
        for (const [mine, its] of [
          [first, other],
          [other, first],
        ] as const) {
          const proof = (await scheme.proof(keys.public, stored, mine.message))!;
          expect((await scheme.verify(key(), stored.fileTag, mine, proof)).accepted).toBe(true);
          expect((await scheme.verify(key(), stored.fileTag, its, proof)).accepted).toBe(false);
        }
        const none = { kind: 'token', token: 1 << 30 } as const;
        await expect(ask(stored, none)).rejects.toMatchObject({ code: 'selection' });
      }
      const seed = primitives.random(32);
      const twice = [seed, seed].map((same) => scheme.challenge(key(), stored.fileTag, all, same));
      const [one, two] = await Promise.all(twice);
      expect(one!.message).toEqual(two!.message);
    });

    test('a proof is believed to the bit, and to its length', async () => {
      const stored = await tagged(contents(2 * blockBytes + 1));
      const challenge = await ask(stored);
      const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
      const verdict = async (bytes: Uint8Array) =>
        (await scheme.verify(key(), stored.fileTag, challenge, bytes)).accepted;
      expect(await verdict(proof)).toBe(true);
      const step = Math.max(1, Math.floor(proof.length / 60));
      for (let at = 0; at < proof.length; at += step) {
        const bent = proof.slice();
        bent[at]! ^= 1 << (at & 7);
        expect(await verdict(bent), `byte ${at}`).toBe(false);
      }
      const longer = new Uint8Array(proof.length + 1);
      longer.set(proof);
      for (const bytes of [new Uint8Array(0), proof.subarray(1), proof.subarray(0, -1), longer])
        expect(await verdict(bytes), `${bytes.length} bytes`).toBe(false);
      for (const fill of [0, 255]) expect(await verdict(proof.map(() => fill)), `all ${fill}`).toBe(false);
    });

    test('neither another key nor a changed file tag verifies', async () => {
      const stored = await tagged(contents(blockBytes));
      const challenge = await ask(stored);
      const proof = (await scheme.proof(keys.public, stored, challenge.message))!;
      for (let at = 0; at < stored.fileTag.length; at += 1) {
        const bent = stored.fileTag.slice();
        bent[at]! ^= 1;
        expect(await scheme.verify(key(), bent, challenge, proof), `byte ${at}`).toEqual({
          accepted: false,
          reason: 'file tag',
        });
        await expect(scheme.challenge(key(), bent, all)).rejects.toMatchObject({ code: 'file-tag' });
      }
      await expect(scheme.verify(new Uint8Array(3), stored.fileTag, challenge, proof)).rejects.toMatchObject({
        code: 'key',
      });
    });

    test('no message makes a prover throw', async () => {
      const stored = await tagged(contents(2 * blockBytes));
      const { message } = await ask(stored);
      for (let at = 0; at < message.length; at += 1) {
        const bent = message.slice();
        bent[at]! ^= 1 << (at & 7);
        await scheme.proof(keys.public, stored, bent);
        expect(await scheme.proof(keys.public, stored, message.subarray(0, at))).toBeUndefined();
      }
      const fields = decodeRecord(anything, message)!;
      const strange: readonly object[] = [
        { kind: 'list', indices: [0, 2] },
        { kind: 'list', indices: [1, 0] },
        { kind: 'list', indices: [] },
        { kind: 'range', first: 1, count: 2 },
        { kind: 'range', first: Number.MAX_SAFE_INTEGER, count: Number.MAX_SAFE_INTEGER },
        { kind: 'sample', count: 0 },
        { kind: 'token', token: Number.MAX_SAFE_INTEGER },
        { kind: 'no' },
      ];
      for (const selection of strange)
        expect(
          await scheme.proof(keys.public, stored, encodeRecord({ ...fields, selection })),
          JSON.stringify(selection),
        ).toBeUndefined();
    });

    test('a source that is shorter or longer than said is no file', async () => {
      const file = describeIt(3 * blockBytes);
      for (const length of [0, 3 * blockBytes - 1, 3 * blockBytes + 1])
        await expect(tagInMemory(scheme, keys, file, contents(length))).rejects.toMatchObject({ code: 'length' });
    });

    test('keys come from the generator', async () => {
      if (settings.keyPair !== undefined) return;
      const fresh = settings.scheme(nodePrimitives);
      expect((await fresh.keyGen(settings.keys)).secret).not.toEqual((await fresh.keyGen(settings.keys)).secret);
    });
  });
}

const anything = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
