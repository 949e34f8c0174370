import { BLOCK_BYTES, type BlockReply, type BlockRequest, SEALED_BLOCK_BYTES } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../../../../protocol/src/testing/mutate.ts';
import type { BlockSeal } from '../../seal/block-seal.ts';
import { NO_SEAL } from '../../seal/no-seal.ts';
import { ask, BLOCK_TYPE, type DiskBench, room, statusAt } from '../../testing/block-driver.ts';
import { createFetchWatch, createGateBench } from '../../testing/gate-bench.ts';
import { allocate, FEATURE, get, put, startDevice } from '../../testing/guest-driver.ts';
import { createMemoryStorage, hashTreeOf, type MemoryStorage } from '../../testing/memory-storage.ts';
import { gateReplied, gateResend, serveDoorbells } from '../gate.ts';

/** Enough for a tree of two levels: 3 blocks of hashes under a root. */
const BLOCKS = 300;
const SECTORS = 8;
const BASE = 4;
const OVERLAY = 5;
const TREE = 6;
const OK = 0;
const IO_ERROR = 1;

const baseDisk = (): Uint8Array =>
  Uint8Array.from({ length: BLOCKS * BLOCK_BYTES }, (_, i) => (i * 7 + (i >> 12) * 13 + (i >> 8)) & 0xff);

interface Overlay extends DiskBench {
  readonly storage: MemoryStorage;
  /** What storage answers in place of the honest reply; undefined: nothing. */
  tamper: (request: BlockRequest, honest: BlockReply) => BlockReply | undefined;
}

function overlay(unsealed?: BlockSeal, blocks = BLOCKS): Overlay {
  const base = baseDisk().slice(0, blocks * BLOCK_BYTES);
  const { file, rootHash } = hashTreeOf(base);
  const backing = { kind: 'overlay', base: BASE, overlay: OVERLAY, tree: { store: TREE, rootHash } } as const;
  const config = { kind: 'block', sectors: blocks * SECTORS, readOnly: false, backing } as const;
  const bench = createGateBench([config], 64 << 20, createFetchWatch(), unsealed);
  const storage = createMemoryStorage(
    [
      [BASE, base],
      [OVERLAY, new Uint8Array(BLOCKS * SEALED_BLOCK_BYTES)],
      [TREE, file],
    ],
    bench.area,
  );
  return { ...bench, device: startDevice(bench.guest, 0, FEATURE.indirect | 0x2244n), storage, tamper: (_, it) => it };
}

/** Answers until nothing is asked. */
function serve(o: Overlay): BlockRequest[] {
  const served: BlockRequest[] = [];
  for (let round = o.sent.splice(0); round.length > 0; round = o.sent.splice(0))
    for (const request of round) {
      if (request.kind !== 'block.request') continue;
      served.push(request);
      const reply = o.tamper(request, o.storage.answer(request));
      if (reply !== undefined) gateReplied(o.gate, reply);
    }
  return served;
}

function write(o: Overlay, block: number, byte: number, blocks = 1): number {
  const data = room(o, blocks * BLOCK_BYTES, false);
  put(o.guest, data.address, new Uint8Array(data.length).fill(byte));
  const status = ask(o, BLOCK_TYPE.write, block * SECTORS, data, 5000);
  serve(o);
  return statusAt(o, status);
}

function read(o: Overlay, block: number, blocks = 1): { readonly status: number; readonly bytes: Uint8Array } {
  const data = room(o, blocks * BLOCK_BYTES, true);
  const status = ask(o, BLOCK_TYPE.read, block * SECTORS, data, 5000);
  serve(o);
  return { status: statusAt(o, status), bytes: get(o.guest, data.address, data.length) };
}

/** Returns where its status will be. */
function askDiscard(o: Overlay, ...ranges: readonly (readonly [number, number])[]): number {
  const data = room(o, 16 * ranges.length, false);
  const view = new DataView(new ArrayBuffer(data.length));
  ranges.forEach(([block, blocks], i) => {
    view.setUint32(16 * i, block * SECTORS, true);
    view.setUint32(16 * i + 8, blocks * SECTORS, true);
  });
  put(o.guest, data.address, new Uint8Array(view.buffer));
  return ask(o, BLOCK_TYPE.discard, 0, data);
}

const discard = (o: Overlay, ...ranges: readonly (readonly [number, number])[]): number =>
  statusAt(o, askDiscard(o, ...ranges));

const filled = (byte: number, blocks = 1): Uint8Array => new Uint8Array(blocks * BLOCK_BYTES).fill(byte);
const sealedBlock = (o: Overlay, block: number): Uint8Array =>
  o.storage.stores.get(OVERLAY)!.subarray(block * SEALED_BLOCK_BYTES, (block + 1) * SEALED_BLOCK_BYTES);

describe.each([
  ['sealed', undefined],
  ['unsealed', NO_SEAL],
])('%s', (_name, unsealed) => {
  test('a disk reads as a model of it says, over many random writes, discards and reads', () => {
    const o = overlay(unsealed);
    const model = baseDisk();
    const random = randomFrom(20261125);
    for (let step = 0; step < 400; step += 1) {
      o.guest.free = 0x8100_0000;
      const block = random(BLOCKS);
      const blocks = 1 + random(Math.min(80, BLOCKS - block));
      const [from, to] = [block * BLOCK_BYTES, (block + blocks) * BLOCK_BYTES];
      switch (random(4)) {
        case 0:
          expect(write(o, block, step & 0xff, blocks)).toBe(OK);
          model.fill(step & 0xff, from, to);
          break;
        case 1:
          expect(discard(o, [block, blocks])).toBe(OK);
          model.fill(0, from, to);
          break;
        default: {
          const found = read(o, block, blocks);
          expect(found.status).toBe(OK);
          expect(Buffer.compare(found.bytes, model.subarray(from, to))).toBe(0);
        }
      }
    }
    expect(Buffer.compare(o.storage.stores.get(BASE)!, baseDisk())).toBe(0);
    expect(o.logged).toEqual([]);
  });

  test('requests on the same blocks at the same time end as if one came after the other, whatever storage does first', () => {
    const o = overlay(unsealed);
    const model = baseDisk();
    const random = randomFrom(7);
    for (let round = 0; round < 60; round += 1) {
      o.guest.free = 0x8100_0000;
      const statuses: number[] = [];
      for (let i = 0; i < 8; i += 1) {
        const block = random(60);
        const blocks = 1 + random(40);
        const [from, to] = [block * BLOCK_BYTES, (block + blocks) * BLOCK_BYTES];
        const data = room(o, to - from, true);
        switch (random(3)) {
          case 0:
            put(o.guest, data.address, new Uint8Array(data.length).fill(1 + i));
            statuses.push(ask(o, BLOCK_TYPE.write, block * SECTORS, { ...data, writable: false }));
            model.fill(1 + i, from, to);
            break;
          case 1:
            statuses.push(askDiscard(o, [block, blocks]));
            model.fill(0, from, to);
            break;
          default:
            statuses.push(ask(o, BLOCK_TYPE.read, block * SECTORS, data));
        }
      }
      for (let waiting = o.sent.splice(0); waiting.length > 0; waiting.push(...o.sent.splice(0))) {
        const [request] = waiting.splice(random(waiting.length), 1) as BlockRequest[];
        gateReplied(o.gate, o.storage.answer(request!));
      }
      expect(statuses.map((status) => statusAt(o, status))).toEqual(statuses.map(() => OK));
      expect(Buffer.compare(read(o, 0, 100).bytes, model.subarray(0, 100 * BLOCK_BYTES))).toBe(0);
    }
    expect(o.logged).toEqual([]);
  });
});

test('says 4096 as its block size, and answers what is no whole block with an I/O error', () => {
  const o = overlay();
  const config = o.device.bar + 0x2000;
  expect(o.guest.bus.read(config + 20, 4)).toBe(4096n);
  for (const [type, sector, length] of [
    [BLOCK_TYPE.read, 1, 4096],
    [BLOCK_TYPE.read, 0, 512],
    [BLOCK_TYPE.write, 7, 4096],
    [BLOCK_TYPE.write, 8, 4608],
  ] as const)
    expect(statusAt(o, ask(o, type, sector, room(o, length, type === BLOCK_TYPE.read)))).toBe(IO_ERROR);
  expect(o.sent).toEqual([]);
});

test('a flush and a discard ask nobody; a discard is checked as a whole', () => {
  const o = overlay();
  expect(statusAt(o, ask(o, BLOCK_TYPE.flush, 0, room(o, 0, false)))).toBe(OK);
  expect(discard(o, [3, 2], [100, 5])).toBe(OK);
  expect(discard(o, [10, 1], [BLOCKS - 1, 2])).toBe(IO_ERROR);
  expect(o.sent).toEqual([]);
  expect(read(o, 4).bytes).toEqual(filled(0));
  expect(Buffer.compare(read(o, 10).bytes, baseDisk().subarray(10 * BLOCK_BYTES, 11 * BLOCK_BYTES))).toBe(0);
});

test('a disk of one block has no tree but its root', () => {
  const o = overlay(undefined, 1);
  expect(read(o, 0).status).toBe(OK);
  o.storage.stores.get(BASE)![0]! ^= 1;
  expect(read(o, 0).status).toBe(IO_ERROR);
});

test('runs of blocks leave as one request each, where they are', () => {
  const o = overlay();
  write(o, 2, 1, 3);
  discard(o, [5, 1]);
  const data = room(o, 8 * BLOCK_BYTES, true);
  ask(o, BLOCK_TYPE.read, 0, data);
  const sent = serve(o).filter(({ store }) => store !== TREE);
  expect(sent.map(({ store, offset, length }) => [store, offset, length])).toEqual([
    [BASE, 0, 2 * BLOCK_BYTES],
    [OVERLAY, 2 * SEALED_BLOCK_BYTES, 3 * SEALED_BLOCK_BYTES],
    [BASE, 6 * BLOCK_BYTES, 2 * BLOCK_BYTES],
  ]);
});

test('storage sees no byte that the guest wrote, and no two seals alike', () => {
  const o = overlay();
  write(o, 0, 0x41, 40);
  const first = o.storage.stores.get(OVERLAY)!.slice(0, 40 * SEALED_BLOCK_BYTES);
  expect(Buffer.from(first).includes(Buffer.alloc(8, 0x41))).toBe(false);
  write(o, 0, 0x41, 40);
  const seen = new Set<string>();
  for (const store of [first, o.storage.stores.get(OVERLAY)!])
    for (let block = 0; block < 40; block += 1)
      seen.add(
        Buffer.from(store.subarray(block * SEALED_BLOCK_BYTES, block * SEALED_BLOCK_BYTES + 32)).toString('hex'),
      );
  expect(seen.size).toBe(80);
});

test('blocks of the tree are asked for once, however many reads wait for them, and then kept', () => {
  const o = overlay();
  const reads = Array.from({ length: 20 }, (_, i) => ask(o, BLOCK_TYPE.read, i * SECTORS, room(o, BLOCK_BYTES, true)));
  const tree = (served: BlockRequest[]) => served.filter(({ store }) => store === TREE).map(({ offset }) => offset);
  // The root's one block, then the first of the level below.
  expect(tree(serve(o))).toEqual([BLOCK_BYTES, 2 * BLOCK_BYTES]);
  expect(reads.map((status) => statusAt(o, status))).toEqual(Array(20).fill(OK));
  ask(o, BLOCK_TYPE.read, 127 * SECTORS, room(o, 2 * BLOCK_BYTES, true));
  expect(tree(serve(o))).toEqual([3 * BLOCK_BYTES]);
});

/** Each: block 7 was written with 1, then with 2, block 8 with 3; what the storage does; what is read then. */
interface Attack {
  readonly name: string;
  readonly block: number;
  /** What the disk's owner expects to read there. */
  readonly truth: (base: Uint8Array) => Uint8Array;
  readonly attack: (o: Overlay, before: Uint8Array) => void;
}

const inBase = (block: number) => (base: Uint8Array) => base.slice(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
/** Storage changes what it read of a store where the machine will look for it. */
const onReadsOf =
  (store: number, change: (bytes: Uint8Array) => void): ((o: Overlay) => Overlay['tamper']) =>
  (o) =>
  (request, honest) => {
    if (request.store === store && request.operation === 'read')
      change(o.area.subarray(request.at, request.at + request.length));
    return honest;
  };

const ATTACKS: readonly Attack[] = [
  {
    name: 'a flipped bit of a block’s contents',
    block: 7,
    truth: () => filled(2),
    attack: (o) => void (sealedBlock(o, 7)[100]! ^= 1),
  },
  {
    name: 'two blocks swapped',
    block: 7,
    truth: () => filled(2),
    attack(o) {
      const stores = o.storage.stores.get(OVERLAY)!;
      const bytes = stride(o);
      const [seven, eight] = [7, 8].map((block) => stores.slice(block * bytes, (block + 1) * bytes));
      stores.set(eight!, 7 * bytes);
      stores.set(seven!, 8 * bytes);
    },
  },
  {
    name: 'an older version put back',
    block: 7,
    truth: () => filled(2),
    attack: (o, before) => o.storage.stores.get(OVERLAY)!.set(before),
  },
  {
    name: 'zeros',
    block: 7,
    truth: () => filled(2),
    attack: (o) => void o.storage.stores.get(OVERLAY)!.fill(0),
  },
  {
    name: 'a write that is acknowledged and not done',
    block: 9,
    truth: () => filled(4),
    attack(o) {
      const before = o.storage.stores.get(OVERLAY)!.slice();
      write(o, 9, 4);
      o.storage.stores.get(OVERLAY)!.set(before);
    },
  },
  {
    name: 'another disk’s blocks',
    block: 7,
    truth: () => filled(2),
    attack(o) {
      const other = overlay(stride(o) === BLOCK_BYTES ? NO_SEAL : undefined);
      // The same key by the bench's own randomness: what differs is what was written when.
      write(other, 0, 9);
      write(other, 7, 9);
      o.storage.stores.get(OVERLAY)!.set(other.storage.stores.get(OVERLAY)!);
    },
  },
  {
    name: 'a changed block of the base',
    block: 20,
    truth: inBase(20),
    attack: (o) => void (o.storage.stores.get(BASE)![20 * BLOCK_BYTES + 4095]! ^= 0x80),
  },
  {
    name: 'two blocks of the base swapped',
    block: 20,
    truth: inBase(20),
    attack: (o) => o.storage.stores.get(BASE)!.copyWithin(20 * BLOCK_BYTES, 21 * BLOCK_BYTES, 22 * BLOCK_BYTES),
  },
  {
    name: 'a base with a tree of its own that fits it',
    block: 20,
    truth: inBase(20),
    attack(o) {
      const base = o.storage.stores.get(BASE)!;
      base[20 * BLOCK_BYTES]! ^= 1;
      o.storage.stores.set(TREE, hashTreeOf(base).file);
    },
  },
];

/** Bytes of a block in the overlay's store. */
const stride = (o: Overlay): number => {
  const [device] = o.gate.devices;
  if (device?.kind !== 'block' || device.state.backing.kind !== 'overlay') throw new Error('No overlay');
  return device.state.backing.seal.bytes;
};

function attacked(unsealed: BlockSeal | undefined, { attack, block, truth }: Attack) {
  const o = overlay(unsealed);
  expect([write(o, 7, 1), write(o, 8, 3)]).toEqual([OK, OK]);
  const before = o.storage.stores.get(OVERLAY)!.slice();
  expect(write(o, 7, 2)).toBe(OK);
  attack(o, before);
  return { ...read(o, block), truth: truth(baseDisk()), logged: o.logged };
}

describe.each(ATTACKS)('a storage with $name', (attack) => {
  test('makes an I/O error and a line in the log, and gives the guest no byte', () => {
    const { status, bytes, logged } = attacked(undefined, attack);
    expect(status).toBe(IO_ERROR);
    expect(bytes).toEqual(filled(0));
    expect(logged[0]).toMatch(/wrong answer 1: block \d+ /);
  });

  test('control: without a seal, the guest is given what was not written', () => {
    const { status, bytes, truth, logged } = attacked(NO_SEAL, attack);
    expect([status, logged]).toEqual([OK, []]);
    expect(Buffer.compare(bytes, truth)).not.toBe(0);
  });
});

describe('an answer that is wrong in itself', () => {
  test.each<[string, (o: Overlay) => Overlay['tamper'], number]>([
    ['a flipped bit of a tag', onReadsOf(OVERLAY, (b) => void (b[4100]! ^= 4)), 7],
    ['a block that is shifted', onReadsOf(OVERLAY, (b) => void b.copyWithin(0, 1)), 7],
    ['a block without its tag', onReadsOf(OVERLAY, (b) => void b.fill(0, BLOCK_BYTES)), 7],
    ['a flipped bit in the tree', onReadsOf(TREE, (b) => void (b[0]! ^= 1)), 20],
    ['a tree of zeros', onReadsOf(TREE, (b) => void b.fill(0)), 20],
    ['a tree that cannot be read', () => (r, it) => (r.store === TREE ? { ...it, ok: false } : it), 20],
    ['another block', onReadsOf(BASE, (b) => void b.fill(0)), 20],
  ])('%s is an I/O error, once; the next read is asked anew', (_name, tamper, block) => {
    const o = overlay();
    write(o, 7, 2);
    const truth = block === 7 ? filled(2) : inBase(block)(baseDisk());
    o.tamper = tamper(o);
    const { status, bytes } = read(o, block);
    expect([status, Buffer.compare(bytes, filled(0))]).toEqual([IO_ERROR, 0]);
    o.tamper = (_, it) => it;
    const again = read(o, block);
    expect([again.status, Buffer.compare(again.bytes, truth)]).toEqual([OK, 0]);
  });

  test('a read that is answered before storage has read is not what lay in its place', () => {
    const o = overlay();
    write(o, 7, 2);
    write(o, 8, 3);
    const storage = {
      ...o.storage,
      answer: ({ store, at }: BlockRequest) => ({ kind: 'block.reply', store, at, ok: true }) as const,
    };
    expect([7, 20].map((block) => read({ ...o, storage }, block).status)).toEqual([IO_ERROR, IO_ERROR]);
  });

  test('an answer under another store’s name, or with another’s number, is dropped', () => {
    const o = overlay();
    const status = ask(o, BLOCK_TYPE.write, 0, room(o, BLOCK_BYTES, false));
    const [request] = o.sent.splice(0) as BlockRequest[];
    const reply = { kind: 'block.reply', at: request!.at, ok: true } as const;
    for (const store of [BASE, TREE, 9]) gateReplied(o.gate, { ...reply, store });
    gateReplied(o.gate, { ...reply, store: OVERLAY, at: request!.at + 1 });
    expect(statusAt(o, status)).toBe(0xff);
    gateReplied(o.gate, { ...reply, store: OVERLAY });
    expect(statusAt(o, status)).toBe(OK);
  });
});

test('a write that fails leaves what was there: what storage made of it is never read as something else', () => {
  const o = overlay();
  write(o, 7, 1);
  o.tamper = (r, it) => (r.operation === 'write' ? { ...it, ok: false } : it);
  const before = sealedBlock(o, 7).slice();
  expect(write(o, 7, 2)).toBe(IO_ERROR);
  expect(read(o, 7).status).toBe(IO_ERROR);
  sealedBlock(o, 7).set(before);
  expect(read(o, 7).bytes).toEqual(filled(1));
  o.tamper = (_, it) => it;
  expect(write(o, 7, 3)).toBe(OK);
  expect(read(o, 7).bytes).toEqual(filled(3));
});

test('a write that is sent again is the same bytes: it is not sealed twice', () => {
  const o = overlay();
  const data = room(o, 2 * BLOCK_BYTES, false);
  put(o.guest, data.address, filled(1, 2));
  const status = ask(o, BLOCK_TYPE.write, 0, data);
  const [first] = o.sent.splice(0) as BlockRequest[];
  const left = o.area.slice();
  put(o.guest, data.address, filled(2, 2));
  gateResend(o.gate);
  expect(o.sent).toEqual([first]);
  expect(Buffer.compare(o.area, left)).toBe(0);
  serve(o);
  expect(statusAt(o, status)).toBe(OK);
  expect(read(o, 0, 2).bytes).toEqual(filled(1, 2));
});

test('a storage that is replaced in the middle of a read of the base loses nothing', () => {
  const o = overlay();
  const data = room(o, BLOCK_BYTES, true);
  const status = ask(o, BLOCK_TYPE.read, 20 * SECTORS, data);
  const lost = o.sent.splice(0);
  expect(lost).toHaveLength(2);
  gateResend(o.gate);
  expect(o.sent).toEqual(lost);
  serve(o);
  expect(statusAt(o, status)).toBe(OK);
});

test('a reset waits for reads that wait for hashes, and lets none of them into guest memory', () => {
  const o = overlay();
  const data = room(o, BLOCK_BYTES, true);
  ask(o, BLOCK_TYPE.read, 20 * SECTORS, data);
  const [hashes, block] = o.sent.splice(0) as BlockRequest[];
  gateReplied(o.gate, o.storage.answer(block!));
  o.guest.bus.write(o.device.bar + 0x14, 1, 0n);
  expect(o.guest.bus.read(o.device.bar + 0x14, 1)).toBe(15n);
  gateReplied(o.gate, o.storage.answer(hashes!));
  expect(o.guest.bus.read(o.device.bar + 0x14, 1)).toBe(0n);
  expect(o.sent).toEqual([]);
  expect(get(o.guest, data.address, BLOCK_BYTES)).toEqual(filled(0));
});

test('a large read of nothing gives the monitor turns in between', () => {
  const o = overlay();
  discard(o, [0, BLOCKS]);
  const address = allocate(o.guest, BLOCKS * BLOCK_BYTES);
  put(o.guest, address, filled(1, BLOCKS));
  const reads = [0, 1, 2].map(() =>
    ask(o, BLOCK_TYPE.read, 0, { address, length: BLOCKS * BLOCK_BYTES, writable: true }),
  );
  for (let turn = 0; turn < 100; turn += 1) serveDoorbells(o.gate);
  expect(reads.map((status) => statusAt(o, status))).toEqual([OK, OK, OK]);
  expect(get(o.guest, address, BLOCKS * BLOCK_BYTES).every((byte) => byte === 0)).toBe(true);
});

test('a disk that is no whole number of blocks, a root hash that is none and a shared store make no device', () => {
  const tree = { store: TREE, rootHash: '0'.repeat(64) };
  const backing = { kind: 'overlay', base: BASE, overlay: OVERLAY, tree } as const;
  const disk = { kind: 'block', sectors: 8, readOnly: false, backing } as const;
  expect(() => createGateBench([{ ...disk, sectors: 9 }])).toThrow(/whole blocks/);
  for (const rootHash of ['', 'G'.repeat(64), '0'.repeat(63)])
    expect(() => createGateBench([{ ...disk, backing: { ...backing, tree: { ...tree, rootHash } } }])).toThrow(/64/);
  expect(() => createGateBench([disk, disk])).toThrow(/two disks/);
});
