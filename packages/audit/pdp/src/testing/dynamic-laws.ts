import type { Primitives } from '@cloister/crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BlockChange, DynamicScheme, KeyOptions, KeyPair } from '../scheme.ts';
import { describeFile } from '../session/file-description.ts';
import { blockList, tagInMemory } from './memory-file.ts';
import { seededPrimitives } from './seeded-primitives.ts';

const SEED = 'dynamic laws 1';

export interface DynamicLawSettings {
  readonly scheme: (primitives: Primitives) => DynamicScheme;
  readonly blockBytes: number;
  readonly keys?: KeyOptions;
  /** Whether an update's proof says something of the server's structure. */
  readonly provesUpdates: boolean;
}

/**
 * What holds for each scheme whose files change: after any updates the present version verifies and no older one does, neither by its
 * data nor as a whole; no proof of an update but the true one gives a new file tag; and no message makes a server throw or change.
 */
export function dynamicLaws(
  name: string,
  { blockBytes, keys: options, provesUpdates, ...settings }: DynamicLawSettings,
) {
  describe(`${name}: what holds for every scheme whose files change (seed "${SEED}")`, () => {
    const primitives = seededPrimitives(`${SEED} ${name}`);
    const scheme = settings.scheme(primitives);
    let keys: KeyPair;
    beforeAll(async () => {
      keys = await scheme.keyGen(options);
    });
    const all = { kind: 'sample', count: 1 << 20 } as const;
    const key = () => (scheme.facts.verification === 'public' ? keys.public : keys.secret);

    async function store(blocks: number) {
      const data = primitives.random(blocks * blockBytes);
      const wish = { scheme: scheme.facts.name, version: 1, blockBytes, length: data.length };
      const stored = await tagInMemory(scheme, keys, describeFile(primitives, wish), data);
      const size = scheme.blockTags!.size(stored.file, keys.public);
      const each = Array.from({ length: blocks }, (_, at) => at);
      const list = blockList({
        fileTag: stored.fileTag,
        blocks: each.map((at) => data.subarray(at * blockBytes, (at + 1) * blockBytes)),
        tagList: each.map((at) => stored.tagBytes.subarray(at * size, (at + 1) * size)),
        records: [],
      });
      await scheme.build(keys.public, list);
      return list;
    }
    type Stored = Awaited<ReturnType<typeof store>>;
    /** The server as it was, with all that it had then. */
    const copyOf = ({ fileTag, blocks, tagList, nodes }: Stored): Stored =>
      blockList({ fileTag, blocks, tagList, records: nodes.records });
    async function verdict(fileTag: Uint8Array, answering: Stored) {
      const challenge = await scheme.challenge(key(), fileTag, all);
      const proof = await scheme.proof(keys.public, answering, challenge.message).catch(() => undefined);
      return proof !== undefined && (await scheme.verify(key(), fileTag, challenge, proof)).accepted;
    }
    async function update(stored: Stored, change: BlockChange): Promise<void> {
      const message = await scheme.prepareUpdate(keys.secret, stored.fileTag, change);
      const proof = await scheme.performUpdate(keys.public, stored, message);
      const after = await scheme.verifyUpdate(keys.secret, stored.fileTag, message, proof!);
      if (!after.accepted) throw new Error(after.reason);
      stored.fileTag = after.fileTag;
    }
    const block = (length = blockBytes) => primitives.random(length);

    test('changed, inserted, appended and deleted blocks verify, and what was there before does not', async () => {
      const stored = await store(3);
      const changes: readonly BlockChange[] = [
        { kind: 'modify', index: 1, block: block() },
        { kind: 'insert', index: 0, block: block(5) },
        { kind: 'insert', index: 4, block: block(0) },
        { kind: 'insert', index: 5, block: block(1) },
        { kind: 'delete', index: 0 },
        { kind: 'modify', index: 4, block: block() },
        { kind: 'delete', index: 4 },
        { kind: 'delete', index: 1 },
      ];
      for (const change of changes) {
        const before = copyOf(stored);
        await update(stored, change);
        // The control: who takes an old file tag, the server's say, is shown the old data. So a verifier keeps the newest.
        expect(await verdict(before.fileTag, before)).toBe(true);
        expect(await scheme.blocks(keys.secret, stored.fileTag)).toBe(stored.blocks.length);
        expect(await verdict(stored.fileTag, stored), JSON.stringify(change.kind)).toBe(true);
        // The server restored a backup: the old data, with its own tags, structure and file tag, or with the new one.
        expect(await verdict(stored.fileTag, before)).toBe(false);
        before.fileTag = stored.fileTag;
        // Without a structure, who kept a deleted block at the end has all that there is.
        const hasAll = !provesUpdates && stored.blocks.every((each, at) => each === before.blocks[at]);
        expect(await verdict(stored.fileTag, before)).toBe(hasAll);
      }
    });

    test('down to one block, which stays', async () => {
      const stored = await store(2);
      await update(stored, { kind: 'delete', index: 1 });
      expect(await verdict(stored.fileTag, stored)).toBe(true);
      await expect(update(stored, { kind: 'delete', index: 0 })).rejects.toMatchObject({ code: 'selection' });
      await update(stored, { kind: 'insert', index: 1, block: block() });
      expect(await verdict(stored.fileTag, stored)).toBe(true);
    });

    test('a server that says it has changed, and has not, is found', async () => {
      for (const change of [
        { kind: 'modify', index: 1, block: block() },
        { kind: 'insert', index: 1, block: block() },
        { kind: 'delete', index: 1 },
      ] as const) {
        const stored = await store(3);
        const before = copyOf(stored);
        const wrong = copyOf(stored);
        const right: BlockChange = change;
        await update(stored, right);
        expect(await verdict(stored.fileTag, before), change.kind).toBe(false);
        // Carried out at another place.
        await update(wrong, { ...change, index: 2 });
        wrong.fileTag = stored.fileTag;
        expect(await verdict(stored.fileTag, wrong), `${change.kind} elsewhere`).toBe(false);
      }
    });

    // Who keeps nothing but a table cannot be shown what was there: there is no such proof then.
    const lawOfUpdates = provesUpdates ? test : () => undefined;
    lawOfUpdates('a proof of an update is believed to the bit', async () => {
      const stored = await store(5);
      const { fileTag } = stored;
      const message = await scheme.prepareUpdate(keys.secret, fileTag, { kind: 'insert', index: 2, block: block() });
      const proof = (await scheme.performUpdate(keys.public, stored, message))!;
      const verify = (bytes: Uint8Array) => scheme.verifyUpdate(keys.secret, fileTag, message, bytes);
      expect(await verify(proof)).toMatchObject({ accepted: true });
      for (let at = 0; at < proof.length; at += 1) {
        const bent = proof.slice();
        bent[at]! ^= 1 << (at & 7);
        expect(await verify(bent), `byte ${at}`).toMatchObject({ accepted: false });
      }
      for (const bytes of [new Uint8Array(0), proof.subarray(1), proof.subarray(0, -1), Uint8Array.of(...proof, 0)])
        expect(await verify(bytes), `${bytes.length} bytes`).toMatchObject({ accepted: false });
    });

    test('no message makes a server throw, and one that is none changes nothing', async () => {
      const stored = await store(3);
      const other = await store(3);
      const message = await scheme.prepareUpdate(keys.secret, stored.fileTag, { kind: 'delete', index: 2 });
      const foreign = await scheme.prepareUpdate(keys.secret, other.fileTag, { kind: 'delete', index: 2 });
      const blocks = [...stored.blocks];
      for (const bytes of [foreign, new Uint8Array(0), ...Array.from(message, (_, at) => message.subarray(0, at))])
        expect(await scheme.performUpdate(keys.public, stored, bytes)).toBeUndefined();
      expect(stored.blocks).toEqual(blocks);
      for (let at = 0; at < message.length; at += 1) {
        const bent = message.slice();
        bent[at]! ^= 1;
        await scheme.performUpdate(keys.public, copyOf(stored), bent);
      }
      await scheme.performUpdate(keys.public, stored, message);
      expect(stored.blocks).toEqual(blocks.slice(0, 2));
      // Once more, before the server has the new file tag.
      if (provesUpdates) expect(await scheme.performUpdate(keys.public, stored, message)).toBeUndefined();
    });

    test('a place that is none, a block that is too long, a file tag of another key', async () => {
      const stored = await store(2);
      const prepare = (change: BlockChange, fileTag = stored.fileTag) =>
        scheme.prepareUpdate(keys.secret, fileTag, change);
      for (const change of [
        { kind: 'modify', index: 2, block: block() },
        { kind: 'insert', index: 3, block: block() },
        { kind: 'delete', index: -1 },
        { kind: 'delete', index: 0.5 },
      ] as const)
        await expect(prepare(change)).rejects.toMatchObject({ code: 'selection' });
      await expect(prepare({ kind: 'modify', index: 0, block: block(blockBytes + 1) })).rejects.toMatchObject({
        code: 'length',
      });
      const bent = stored.fileTag.slice();
      bent[40]! ^= 1;
      await expect(prepare({ kind: 'delete', index: 0 }, bent)).rejects.toMatchObject({ code: 'file-tag' });
    });
  });
}
