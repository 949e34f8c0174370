import type { Attack } from '../attack.ts';
import { BLOCK, filled, openDisk, STORE, same, seen } from '../bench/disk.ts';
import { type BenchAttack, onBench } from '../bench/on-bench.ts';
import { gate, monitor, storage } from '../bench/sources.ts';
import { serve } from '../service/storage.ts';

const NO_SEAL = [
  monitor('seal/block-seal.ts'),
  'const plain = gcm.open(nonce, sealed);',
  'const plain = gcm.open(nonce, sealed) ?? sealed.subarray(0, 4096);',
] as const;
const FAILED = [
  [storage('main.ts'), 'catch {\n    return false;', 'catch {\n    return true;'],
  [storage('main.ts'), '.catch(() => false)', '.catch(() => true)'],
] as const;

const fault = (variant: Pick<BenchAttack, 'attack' | 'check' | 'edits' | 'act'>): Attack =>
  onBench({ from: 'host', target: 'a guest’s disk, in silence', source: 'isolation.md F', ...variant });

/** Files that answer everything with an error. */
function failing(code: string) {
  const fail = (): never => {
    throw Object.assign(new Error(code), { code });
  };
  const later = async (): Promise<never> => fail();
  return { readNow: fail, writeNow: fail, readAt: later, writeAt: later, sync: later };
}

/** What the host's files do wrong ends as an error that the guest sees, never as other contents. */
export const STORAGE_FAULTS: readonly Attack[] = [
  ...(['EIO', 'EAGAIN'] as const).map((code) =>
    fault({
      attack: `F ${code} of a read`,
      check: 'what the host refuses is an I/O error',
      edits: FAILED,
      async act(kit) {
        const service = serve(kit, [{ bytes: 65_536 }], failing(code));
        service.say({ length: 512 });
        await service.settled();
        service.end();
        const effect = service.replies.some(({ ok }) => ok);
        return { effect, how: `the read is said to be ${effect ? 'good' : 'failed'}` };
      },
    }),
  ),
  ...(['ENOSPC', 'EIO'] as const).map((code) =>
    fault({
      attack: `F ${code} of a write`,
      check: 'what the host refuses is an I/O error',
      edits: FAILED,
      async act(kit) {
        const service = serve(kit, [{ bytes: 65_536 }], failing(code));
        service.leave(filled(0xee, 512));
        service.say({ operation: 'write', length: 512 });
        await service.settled();
        const lost = service.contents(0)[0] !== 0xee;
        service.end();
        const effect = lost && service.replies.some(({ ok }) => ok);
        return { effect, how: `the write is lost and said to be ${effect ? 'done' : 'failed'}` };
      },
    }),
  ),
  fault({
    attack: 'F EIO of a flush',
    check: 'what the host refuses is an I/O error',
    edits: FAILED,
    async act(kit) {
      const service = serve(kit, [{ bytes: 65_536 }], failing('EIO'));
      service.say({ operation: 'flush' });
      await service.settled();
      service.end();
      const effect = service.replies.some(({ ok }) => ok);
      return { effect, how: `the flush is said to be ${effect ? 'done' : 'failed'}` };
    },
  }),
  fault({
    attack: 'F a read that is short, of a disk that was cut',
    check: 'a file that was to be whole is, or the read fails',
    edits: [[storage('carry-out.ts'), 'if (found < bytes.length && !growable) return false;', '']],
    async act(kit) {
      const short = (_descriptor: number, _position: number, into: Uint8Array): number => {
        into.fill(1, 0, 100);
        return 100;
      };
      const service = serve(kit, [{ bytes: 65_536 }], { ...failing('EIO'), readNow: short, writeNow: () => undefined });
      service.say({ length: 512 });
      await service.settled();
      service.end();
      const effect = service.replies.some(({ ok }) => ok);
      return { effect, how: `412 bytes that are not there are ${effect ? 'zeros' : 'an error'}` };
    },
  }),
  fault({
    attack: 'F a write that is torn at each sector of 512 bytes',
    check: 'a block is authenticated',
    edits: [NO_SEAL],
    act(kit) {
      let torn = 0;
      for (let cut = 512; cut < BLOCK; cut += 512) {
        const disk = openDisk(kit, 'unverified');
        disk.write(7, filled(1));
        disk.settle();
        const before = disk.storage.stores.get(STORE.overlay)!.slice();
        disk.write(7, filled(2));
        disk.settle();
        const after = disk.storage.stores.get(STORE.overlay)!;
        const at = 7 * (BLOCK + 16);
        after.set(before.subarray(at + cut, at + BLOCK + 16), at + cut);
        const read = disk.read(7);
        disk.settle();
        if (read.status() === 0 && !same(read.bytes(), filled(2))) torn += 1;
      }
      return { effect: torn > 0, how: `${torn} of 7 torn blocks were given to the guest` };
    },
  }),
  fault({
    attack: 'F a bit of each persisted byte of an overlay’s block',
    check: 'a block is authenticated',
    edits: [NO_SEAL],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      disk.write(7, filled(1));
      disk.settle();
      const overlay = disk.storage.stores.get(STORE.overlay)!;
      const free = disk.guest.free;
      let silent = 0;
      let noticed = 0;
      for (let i = 0; i < BLOCK + 16; i += 1) {
        const at = 7 * (BLOCK + 16) + i;
        overlay[at]! ^= 1 << (i & 7);
        disk.guest.free = free;
        const read = disk.read(7);
        disk.settle();
        overlay[at]! ^= 1 << (i & 7);
        if (read.status() !== 0) noticed += 1;
        else if (!same(read.bytes(), filled(1))) silent += 1;
      }
      return { effect: silent > 0, how: `${noticed} of 4112 flipped bytes were noticed, ${silent} reached the guest` };
    },
  }),
  fault({
    attack: 'F a bit of each persisted byte of an image’s block',
    check: 'a block of the base has the hash of its image',
    edits: [[gate('block/requests.ts'), 'isHashOf(hashOf(tree, block) as Uint8Array, bytes)', 'true']],
    act(kit) {
      const disk = openDisk(kit, 'checked');
      const base = disk.storage.stores.get(STORE.base)!;
      const free = disk.guest.free;
      let silent = 0;
      let noticed = 0;
      for (let i = 0; i < BLOCK; i += 1) {
        base[7 * BLOCK + i]! ^= 1 << (i & 7);
        disk.guest.free = free;
        const read = disk.read(7);
        disk.settle();
        base[7 * BLOCK + i]! ^= 1 << (i & 7);
        if (read.status() !== 0) noticed += 1;
        else silent += 1;
      }
      return { effect: silent > 0, how: `${noticed} of 4096 flipped bytes were noticed, ${silent} reached the guest` };
    },
  }),
  fault({
    attack: 'F a bit of each persisted byte of a hash tree’s block',
    check: 'a block of the tree has the hash of its parent, up to the known root',
    edits: [[gate('block/hash-tree.ts'), '|| !isHashOf(hash, bytes)) return false;', ') return false;']],
    act(kit) {
      let silent = 0;
      let noticed = 0;
      const disk = openDisk(kit, 'checked');
      const tree = disk.storage.stores.get(STORE.tree)!;
      const free = disk.guest.free;
      const { checked } = (disk.state.backing as unknown as { tree: { checked: Map<number, unknown> } }).tree;
      // Both levels: the root's block and the block with the hashes of the disk's first 128 blocks.
      for (let i = 0; i < 2 * BLOCK; i += 1) {
        const at = BLOCK + i;
        tree[at]! ^= 1 << (i & 7);
        disk.guest.free = free;
        checked.clear();
        const read = disk.read(7);
        disk.settle();
        if (read.status() !== 0) noticed += 1;
        else silent += 1;
        tree[at]! ^= 1 << (i & 7);
      }
      return { effect: silent > 0, how: `${noticed} of 8192 flipped bytes were noticed, ${silent} reached the guest` };
    },
  }),
  fault({
    attack: 'F a crash between the data and the tags of two blocks',
    check: 'a block is authenticated',
    edits: [NO_SEAL],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      disk.write(7, new Uint8Array([...filled(1), ...filled(2)]));
      const [request] = disk.requests();
      // Only the first block of the write reached the disk, and the write was acknowledged.
      disk.storage.stores.get(STORE.overlay)!.set(disk.payload(request!).subarray(0, BLOCK + 16), request!.offset);
      disk.reply(disk.good(request!));
      const read = disk.read(8);
      disk.settle();
      return { effect: read.status() === 0, how: seen(read) };
    },
  }),
];
