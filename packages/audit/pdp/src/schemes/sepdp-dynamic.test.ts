import { describe, expect, test } from 'vitest';
import { uint64 } from '../encoding.ts';
import type { BlockChange } from '../scheme.ts';
import { describeFile } from '../session/file-description.ts';
import { type BlockList, blockList, tagInMemory } from '../testing/memory-file.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { seededPrimitives } from '../testing/seeded-primitives.ts';
import { textbookDynamicSepdp } from '../testing/textbook/sepdp.ts';
import { sepdpDynamic } from './sepdp-dynamic.ts';

const settings = { tokens: 4, blocksPerToken: 16 };
schemeLaws('sepdp-dynamic', {
  scheme: (primitives) => sepdpDynamic(primitives, settings),
  blockBytes: 64,
  token: { selection: { kind: 'token', token: 1 }, tagsFrom: 0, tagsEnd: 24 },
});

const primitives = seededPrimitives('sepdp-dynamic 1');
const scheme = sepdpDynamic(primitives, settings);
const keys = await scheme.keyGen();
const BLOCK_BYTES = 64;
const block = (length = BLOCK_BYTES) => primitives.random(length);

async function store(count: number, of = scheme): Promise<BlockList> {
  const data = primitives.random(count * BLOCK_BYTES);
  const wish = { scheme: 'sepdp-dynamic', version: 1, blockBytes: BLOCK_BYTES, length: data.length };
  const stored = await tagInMemory(of, keys, describeFile(primitives, wish), data);
  const each = Array.from({ length: count }, (_, at) => at);
  return blockList({
    fileTag: stored.fileTag,
    blocks: each.map((at) => stored.block(at) as Uint8Array),
    tagList: each.map((at) => stored.tags(8 * at, 8) as Uint8Array),
    records: [],
  });
}
const copyOf = ({ fileTag, blocks, tagList }: BlockList): BlockList =>
  blockList({ fileTag, blocks, tagList, records: [] });
async function update(stored: BlockList, change: BlockChange): Promise<void> {
  const message = await scheme.prepareUpdate(keys.secret, stored.fileTag, change);
  const proof = (await scheme.performUpdate(keys.public, stored, message))!;
  const verdict = await scheme.verifyUpdate(keys.secret, stored.fileTag, message, proof);
  if (!verdict.accepted) throw new Error(verdict.reason);
  stored.fileTag = verdict.fileTag;
}
async function verdict(fileTag: Uint8Array, answering: BlockList, token = 0): Promise<boolean> {
  const challenge = await scheme.challenge(keys.secret, fileTag, { kind: 'token', token });
  const proof = await scheme.proof(keys.public, answering, challenge.message);
  return proof !== undefined && (await scheme.verify(keys.secret, fileTag, challenge, proof)).accepted;
}

describe('updates', () => {
  test('changed, appended and deleted blocks verify, and no older version does', async () => {
    const stored = await store(3);
    const changes: readonly BlockChange[] = [
      { kind: 'modify', index: 1, block: block() },
      { kind: 'modify', index: 1, block: block(5) },
      { kind: 'insert', index: 3, block: block() },
      { kind: 'insert', index: 4, block: block(1) },
      { kind: 'delete', index: 0 },
      { kind: 'modify', index: 4, block: block() },
      { kind: 'insert', index: 5, block: block(0) },
      { kind: 'insert', index: 6, block: block() },
      { kind: 'delete', index: 6 },
      { kind: 'modify', index: 0, block: block() },
    ];
    for (const change of changes) {
      const before = copyOf(stored);
      await update(stored, change);
      const what = `${change.kind} ${change.index}`;
      expect(await scheme.blocks(keys.secret, stored.fileTag)).toBe(stored.blocks.length);
      for (let token = 0; token < 4; token += 1) expect(await verdict(stored.fileTag, stored, token), what).toBe(true);
      // The server restored a backup: with its own file tag, then with the new one.
      expect(await verdict(stored.fileTag, before), what).toBe(false);
      before.fileTag = stored.fileTag;
      if (change.kind !== 'insert') expect(await verdict(stored.fileTag, before), what).toBe(false);
    }
    for (let at = 0; at < stored.blocks.length; at += 1) {
      const damaged = copyOf(stored);
      damaged.blocks[at] = Uint8Array.of(...damaged.blocks[at]!, 0);
      expect(await verdict(stored.fileTag, damaged), `block ${at}`).toBe(false);
    }
  });

  test('an appended block belongs to the tokens of its place modulo the blocks as tagged', async () => {
    const narrow = sepdpDynamic(primitives, { tokens: 40, blocksPerToken: 2 });
    const stored = await store(5, narrow);
    for (let at = 5; at < 12; at += 1) await update(stored, { kind: 'insert', index: at, block: block() });
    for (const at of [0, 5, 10, 7, 11]) {
      const damaged = copyOf(stored);
      damaged.blocks[at] = block();
      let found = 0;
      for (let token = 0; token < 40; token += 1) {
        expect(await verdict(stored.fileTag, stored, token)).toBe(true);
        if (!(await verdict(stored.fileTag, damaged, token))) found += 1;
      }
      // Two of five places: 16 of 40, more or less.
      expect(found, `block ${at}`).toBeGreaterThan(5);
      expect(found, `block ${at}`).toBeLessThan(28);
    }
  });

  test('each update seals all tokens anew', async () => {
    const stored = await store(3);
    const before = stored.fileTag;
    await update(stored, { kind: 'modify', index: 0, block: stored.blocks[0]!.slice() });
    for (let at = 200; at + 64 < before.length; at += 16)
      expect(Buffer.from(stored.fileTag).includes(Buffer.from(before.subarray(at, at + 16))), `${at}`).toBe(false);
  });

  test('a message that comes twice is carried out once', async () => {
    const stored = await store(3);
    for (const change of [
      { kind: 'insert', index: 3, block: block() },
      { kind: 'modify', index: 1, block: block() },
      { kind: 'delete', index: 2 },
    ] as const) {
      const message = await scheme.prepareUpdate(keys.secret, stored.fileTag, change);
      const proof = (await scheme.performUpdate(keys.public, stored, message))!;
      const blocks = [...stored.blocks];
      expect(await scheme.performUpdate(keys.public, stored, message)).toEqual(
        change.kind === 'insert' ? proof : undefined,
      );
      expect(stored.blocks).toEqual(blocks);
      const verified = await scheme.verifyUpdate(keys.secret, stored.fileTag, message, proof);
      if (!verified.accepted) throw new Error(verified.reason);
      stored.fileTag = verified.fileTag;
      expect(await verdict(stored.fileTag, stored)).toBe(true);
    }
  });

  test('what is not possible, too long, or of another version', async () => {
    const stored = await store(3);
    const prepare = (change: BlockChange, fileTag = stored.fileTag) =>
      scheme.prepareUpdate(keys.secret, fileTag, change);
    for (const change of [
      { kind: 'insert', index: 0, block: block() },
      { kind: 'insert', index: 4, block: block() },
      { kind: 'modify', index: 3, block: block() },
      { kind: 'delete', index: 3 },
      { kind: 'delete', index: -1 },
      { kind: 'delete', index: 0.5 },
    ] as const)
      await expect(prepare(change), JSON.stringify(change)).rejects.toMatchObject({ code: 'selection' });
    const long = { kind: 'modify', index: 0, block: block(BLOCK_BYTES + 1) } as const;
    await expect(prepare(long)).rejects.toMatchObject({ code: 'length' });
    const bent = stored.fileTag.slice();
    bent[40]! ^= 1;
    await expect(prepare({ kind: 'delete', index: 0 }, bent)).rejects.toMatchObject({ code: 'file-tag' });

    const old = await prepare({ kind: 'delete', index: 2 });
    const oldTag = stored.fileTag;
    await update(stored, { kind: 'modify', index: 0, block: block() });
    expect(await scheme.performUpdate(keys.public, stored, old)).toBeUndefined();
    expect(await scheme.verifyUpdate(keys.secret, stored.fileTag, old, new Uint8Array(8))).toEqual({
      accepted: false,
      reason: 'wrong proof',
    });
    expect(await scheme.verifyUpdate(keys.secret, bent, old, new Uint8Array(8))).toEqual({
      accepted: false,
      reason: 'file tag',
    });
    const verify = (proof: Uint8Array) => scheme.verifyUpdate(keys.secret, oldTag, old, proof);
    expect(await verify(new Uint8Array(8))).toMatchObject({ accepted: true });
    for (const proof of [new Uint8Array(0), new Uint8Array(7), new Uint8Array(8 + BLOCK_BYTES + 1), uint64(1)])
      expect(await verify(proof)).toEqual({ accepted: false, reason: 'malformed proof' });
  });

  test('no message makes a server throw, and one that is none changes nothing', async () => {
    const stored = await store(3);
    const other = await store(3);
    const message = await scheme.prepareUpdate(keys.secret, stored.fileTag, { kind: 'delete', index: 2 });
    const foreign = await scheme.prepareUpdate(keys.secret, other.fileTag, { kind: 'delete', index: 2 });
    const blocks = [...stored.blocks];
    for (const bytes of [foreign, ...Array.from(message, (_, at) => message.subarray(0, at))])
      expect(await scheme.performUpdate(keys.public, stored, bytes)).toBeUndefined();
    expect(stored.blocks).toEqual(blocks);
    for (let at = 0; at < message.length; at += 1) {
      const bent = message.slice();
      bent[at]! ^= 1;
      await scheme.performUpdate(keys.public, copyOf(stored), bent);
    }
  });
});

describe('a server that lies about what a block was, to keep the old data', () => {
  test('textbook: that it was what it is to be, and the value stays as it was', async () => {
    const token = textbookDynamicSepdp(primitives, primitives.random(32));
    const blocks = [block(), block()];
    const after = block();
    const value = await token.updated(await token.proofOf(blocks), 1, after, after);
    expect(value).toEqual(await token.proofOf(blocks));
  });

  test('ours: whatever it says, the old data does not verify', async () => {
    const after = block();
    for (const lie of ['new', 'old', 'other'] as const) {
      const stored = await store(3);
      const change = { kind: 'modify', index: 1, block: after } as const;
      const message = await scheme.prepareUpdate(keys.secret, stored.fileTag, change);
      const said = { new: after, old: stored.blocks[1]!, other: block() }[lie];
      const proof = new Uint8Array([...uint64(0), ...said]);
      const verified = await scheme.verifyUpdate(keys.secret, stored.fileTag, message, proof);
      if (!verified.accepted) throw new Error(verified.reason);
      stored.fileTag = verified.fileTag;
      for (const written of [0, 1]) {
        stored.tagList[1] = uint64(written);
        expect(await verdict(stored.fileTag, stored), `${lie}, ${written}`).toBe(false);
      }
      // Carried out late: only who told the truth is well.
      stored.blocks[1] = after;
      expect(await verdict(stored.fileTag, stored), lie).toBe(lie === 'old');
    }
  });

  test('ours: nor when a block is changed back to what it was', async () => {
    const stored = await store(3);
    const first = stored.blocks[1]!.slice();
    await update(stored, { kind: 'modify', index: 1, block: block() });
    const kept = copyOf(stored);
    const message = await scheme.prepareUpdate(keys.secret, stored.fileTag, { kind: 'modify', index: 1, block: first });
    for (const written of [0, 1]) {
      const proof = new Uint8Array([...uint64(written), ...first]);
      const verified = await scheme.verifyUpdate(keys.secret, stored.fileTag, message, proof);
      if (!verified.accepted) throw new Error(verified.reason);
      expect(await verdict(verified.fileTag, { ...copyOf(kept), fileTag: verified.fileTag })).toBe(false);
    }
  });
});
