import { BLOCK, baseDisk, type Disk, filled, openDisk, STORE, same, seen } from '../bench/disk.ts';
import { benchAttacks } from '../bench/on-bench.ts';
import { gate, monitor } from '../bench/sources.ts';

const SEAL = monitor('seal/block-seal.ts');
const VERSION_IN_NONCE = [SEAL, 'words.setUint32(0, version % 2 ** 32, true);', ''] as const;
const NO_TAG = [
  SEAL,
  'const plain = gcm.open(nonce, sealed);',
  'const plain = gcm.open(nonce, sealed) ?? sealed.subarray(0, 4096);',
] as const;

const [OLD, NEW] = [filled(0x11), filled(0x22)];

const COMMON = { from: 'slice', target: "its guest's disk", source: 'isolation.md S1' };

/** The guest writes OLD, then NEW; what `attack` makes of storage meanwhile; what the guest reads then. */
function rewritten(disk: Disk, attack: (before: Uint8Array) => void) {
  disk.write(7, OLD);
  disk.settle();
  const before = disk.storage.stores.get(STORE.overlay)!.slice();
  attack(before);
  const read = disk.read(7);
  disk.settle();
  return { effect: read.status() === 0 && !same(read.bytes(), NEW), how: seen(read) };
}

/** What is not what the guest wrote last, or not what its image says, never reaches it as if it were. */
export const DISK_CONTENTS = benchAttacks(COMMON, [
  {
    attack: 'S1 an old version of a block is replayed',
    source: 'isolation.md S1; CVE-2023-20592',
    check: 'a block opens under its own version alone',
    edits: [VERSION_IN_NONCE],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      return rewritten(disk, (before) => {
        disk.write(7, NEW);
        disk.settle();
        disk.storage.stores.set(STORE.overlay, before);
      });
    },
  },
  {
    attack: 'B1 a write is acknowledged and dropped',
    from: 'storage',
    source: 'isolation.md S1, B1; CVE-2023-20592',
    check: 'a block opens under its own version alone',
    edits: [VERSION_IN_NONCE],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      return rewritten(disk, () => {
        disk.write(7, NEW);
        for (const request of disk.requests()) disk.reply(disk.good(request));
      });
    },
  },
  {
    attack: 'S1 two reads get one another’s blocks',
    source: 'isolation.md S1; SEVered',
    check: 'a block opens under its own version alone',
    edits: [VERSION_IN_NONCE],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      for (const block of [7, 8]) disk.write(block, filled(block));
      disk.settle();
      const reads = [7, 8].map((block) => disk.read(block));
      const [a, b] = disk.requests();
      disk.honest({ ...b!, at: a!.at });
      disk.honest({ ...a!, at: b!.at });
      return { effect: reads[0]!.status() === 0 && reads[0]!.bytes()[0] === 8, how: seen(reads[0]!) };
    },
  },
  {
    attack: 'S1 a read is answered before storage has read, for what lay in its place',
    check: 'a block opens under its own version alone',
    edits: [VERSION_IN_NONCE],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      for (const block of [7, 8]) {
        disk.write(block, filled(block));
        disk.settle();
      }
      const read = disk.read(7);
      const [request] = disk.requests();
      disk.reply(disk.good(request!));
      return { effect: read.status() === 0, how: seen(read) };
    },
  },
  {
    attack: 'S1 storage is told to take a payload from another place',
    check: 'a block opens under its own version alone',
    edits: [VERSION_IN_NONCE],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      for (const block of [7, 8]) disk.write(block, filled(block));
      const [a, b] = disk.requests();
      disk.storage.answer({ ...a!, at: b!.at });
      disk.reply(disk.good(a!));
      disk.honest(b!);
      const read = disk.read(7);
      disk.settle();
      return { effect: read.status() === 0 && read.bytes()[0] === 8, how: seen(read) };
    },
  },
  {
    attack: 'S1 storage is told to write a block to another one’s sectors',
    check: 'a block opens under its own version alone',
    edits: [VERSION_IN_NONCE],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      disk.write(7, filled(7));
      disk.settle();
      disk.write(8, filled(8));
      const [request] = disk.requests();
      disk.honest({ ...request!, offset: 7 * kit.protocol.SEALED_BLOCK_BYTES });
      const read = disk.read(7);
      disk.settle();
      return { effect: read.status() === 0 && read.bytes()[0] === 8, how: seen(read) };
    },
  },
  {
    attack: 'B1 storage answers with garbage',
    from: 'storage',
    source: 'isolation.md S1, B1',
    check: 'a block is authenticated',
    edits: [NO_TAG],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      disk.write(7, NEW);
      disk.settle();
      const read = disk.read(7);
      const [request] = disk.requests();
      disk.reply(disk.good(request!, filled(0xee, request!.length)));
      return { effect: read.status() === 0, how: seen(read) };
    },
  },
  {
    attack: 'S1 a block of the image is exchanged for another',
    check: 'a block of the base has the hash of its image',
    edits: [[gate('block/requests.ts'), 'isHashOf(hashOf(tree, block) as Uint8Array, bytes)', 'true']],
    act(kit) {
      const disk = openDisk(kit, 'checked');
      const read = disk.read(7);
      for (let next = disk.requests(); next.length > 0; next = disk.requests())
        for (const request of next)
          disk.honest(request.store === STORE.base ? { ...request, offset: 9 * BLOCK } : request);
      return { effect: read.status() === 0 && read.bytes()[0] === 9, how: seen(read) };
    },
  },
  {
    attack: 'B1 storage serves another image with a hash tree of its own',
    from: 'storage',
    source: 'isolation.md B1',
    check: 'a block of the tree has the hash of its parent, up to the known root',
    edits: [[gate('block/hash-tree.ts'), '|| !isHashOf(hash, bytes)) return false;', ') return false;']],
    act(kit) {
      const disk = openDisk(kit, 'checked');
      const evil = baseDisk().map((byte) => byte ^ 0x80);
      disk.storage.stores.set(STORE.base, evil).set(STORE.tree, kit.hashTreeOf(evil).file);
      const read = disk.read(7);
      disk.settle();
      return { effect: read.status() === 0 && read.bytes()[0] === (7 ^ 0x80), how: seen(read) };
    },
  },
  {
    attack: 'S1 what a guest writes is read on its way',
    check: 'a block leaves sealed',
    edits: [[SEAL, 'gcm.seal(nonce, plain, out);', 'out.set(plain);']],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      const canary = Buffer.from('canary of this guest, 32 bytes!!');
      const block = filled(0);
      block.set(canary, 100);
      disk.write(7, block);
      const [request] = disk.requests();
      const left = disk.payload(request!);
      const effect = Buffer.from(left).includes(canary);
      return { effect, how: `the canary is ${effect ? '' : 'not '}in the ${left.length} bytes that left` };
    },
  },
  {
    attack: 'S3 the same bytes in the same block leave as the same ciphertext',
    source: 'isolation.md S3; CIPHERLEAKS',
    check: 'no nonce comes twice',
    edits: [VERSION_IN_NONCE],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      const left = [7, 7, 8].map((block) => {
        disk.write(block, NEW);
        const [request] = disk.requests();
        disk.honest(request!);
        return Buffer.from(disk.payload(request!)).toString('hex');
      });
      const different = new Set(left).size;
      return { effect: different < 3, how: `${different} different ciphertexts of 3 equal plaintexts` };
    },
  },
]);
