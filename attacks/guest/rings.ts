import { type Disk, filled, openDisk } from '../bench/disk.ts';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { gate } from '../bench/sources.ts';

const RING = gate('split-ring.ts');
const MEMORY = gate('guest-memory.ts');
const RAM = 0x8000_0000;
const CANARY = filled(0xca, 512);

const COMMON = { from: 'guest', target: 'the machine', source: 'isolation.md G2' };

interface Descriptor {
  readonly address: number;
  readonly length: number;
  /** 1 next, 2 write, 4 indirect. */
  readonly flags: number;
  readonly next: number;
}

/** Puts descriptors into the table as they are, makes the first available and rings. */
function post(kit: Kit, disk: Disk, descriptors: readonly Descriptor[]): void {
  const queue = disk.device.queues[0]!;
  descriptors.forEach((one, i) => void kit.driver.writeDescriptor(disk.guest, queue.descriptors, i, one));
  kit.driver.makeAvailable(disk.guest, queue, 0);
  disk.guest.bus.ring(0, 0);
  kit.gate.serveDoorbells(disk.gate);
}

/** A request's header in guest RAM. */
function header(kit: Kit, disk: Disk, type: number, sector: number): number {
  const address = kit.driver.allocate(disk.guest, 16);
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  kit.driver.put(disk.guest, address, new Uint8Array(view.buffer));
  return address;
}

/** Counts what a chain costs the gate. */
function meter() {
  const cost = { fetches: 0, bytes: 0 };
  return {
    cost,
    fetched(_chain: object, _part: number, _address: number, length: number) {
      cost.fetches += 1;
      cost.bytes += length;
    },
  };
}

/** Descriptors, rings and requests as no driver writes them. */
export const RINGS = benchAttacks(COMMON, [
  {
    attack: 'G2 a descriptor points below RAM, to read what lies elsewhere',
    check: 'a buffer lies in RAM',
    edits: [[MEMORY, 'if (!(offset >= 0 && length >= 0 && offset + length <= memory.ram.length)) return false;', '']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      // Where a negative index into guest RAM would lead to.
      disk.guest.ram.set(CANARY, disk.guest.ram.length - 4096);
      const status = kit.driver.allocate(disk.guest, 1);
      post(kit, disk, [
        { address: header(kit, disk, 1, 0), length: 16, flags: 1, next: 1 },
        { address: RAM - 4096, length: 512, flags: 1, next: 2 },
        { address: status, length: 1, flags: 2, next: 0 },
      ]);
      const left = disk.requests();
      const effect = left.some((request) => disk.payload(request)[0] === 0xca);
      return { effect, how: `${left.length} requests left${effect ? ' with what the guest does not own' : ''}` };
    },
  },
  {
    attack: 'G2 a descriptor points to a frame that the VM does not have',
    source: 'isolation.md G2; XSA-148 (G3)',
    check: 'a buffer’s frames are the VM’s',
    edits: [[MEMORY, '(memory.frames[frame]! & FRAME.absent) !== 0', 'false']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const flags = kit.hardware.frameFlags(disk.memory);
      const frame = 9000;
      flags[frame] = kit.hardware.FRAME.absent;
      disk.gate.memory.absent = 1;
      const status = kit.driver.allocate(disk.guest, 1);
      post(kit, disk, [
        { address: header(kit, disk, 0, 0), length: 16, flags: 1, next: 1 },
        { address: RAM + frame * 4096, length: 512, flags: 3, next: 2 },
        { address: status, length: 1, flags: 2, next: 0 },
      ]);
      for (const request of disk.requests()) disk.reply(disk.good(request, filled(0xee, 512)));
      const found = disk.guest.ram[frame * 4096]!;
      return { effect: found !== 0, how: `the absent frame begins with 0x${found.toString(16)}` };
    },
  },
  {
    attack: 'G2 a chain that is a loop keeps the monitor',
    source: 'isolation.md G2; CVE-2021-20257',
    check: 'no descriptor comes twice in a chain',
    // Without any bound the control would not end.
    edits: [[RING, 'if (seen.has(index)) return', 'if (chain.readable.length > 200_000) return']],
    act(kit) {
      const watch = meter();
      const disk = openDisk(kit, 'raw', { watch });
      const address = header(kit, disk, 1, 0);
      post(kit, disk, [
        { address, length: 16, flags: 1, next: 1 },
        { address, length: 16, flags: 1, next: 0 },
      ]);
      return { effect: watch.cost.fetches > 1000, how: `${watch.cost.fetches} fetches for a doorbell` };
    },
  },
  {
    attack: 'G2 an indirect table that is a loop keeps the monitor',
    source: 'isolation.md G2; CVE-2021-20257',
    check: 'no descriptor comes twice in an indirect table',
    edits: [[RING, 'if (seen.has(index)) return', 'if (chain.readable.length > 200_000) return']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const { guest } = disk;
      const address = header(kit, disk, 1, 0);
      const table = kit.driver.allocate(guest, 32);
      kit.driver.writeDescriptor(guest, table, 0, { address, length: 16, flags: 1, next: 1 });
      kit.driver.writeDescriptor(guest, table, 1, { address, length: 16, flags: 1, next: 0 });
      let looks = 0;
      Object.defineProperty(disk.gate.memory, 'absent', {
        get() {
          looks += 1;
          return 0;
        },
      });
      post(kit, disk, [{ address: table, length: 32, flags: 4, next: 0 }]);
      return { effect: looks > 1000, how: `${looks} buffers were looked at for a doorbell` };
    },
  },
  {
    attack: 'G1 an indirect table of a million descriptors',
    source: 'isolation.md G1, G2; CVE-2019-14835',
    check: 'a chain is no longer than a queue may be',
    edits: [
      [RING, 'if (!Number.isInteger(size) || size < 1 || size > QUEUE_SIZE_MAX) return', 'if (false) return'],
      [RING, 'new ArrayBuffer(DESCRIPTOR_BYTES * QUEUE_SIZE_MAX)', 'new ArrayBuffer(DESCRIPTOR_BYTES * 2 ** 20)'],
    ],
    act(kit) {
      const watch = meter();
      const disk = openDisk(kit, 'raw', { watch });
      const table = kit.driver.allocate(disk.guest, 16 * 2 ** 20);
      post(kit, disk, [{ address: table, length: 16 * 2 ** 20, flags: 4, next: 0 }]);
      return { effect: watch.cost.bytes > 65_536, how: `${watch.cost.bytes} bytes fetched for a doorbell` };
    },
  },
  {
    attack: 'G2 a request’s header is changed after it was checked',
    source: 'isolation.md G3; XSA-155 (double fetch)',
    target: 'the disk of another',
    check: 'what was checked is a copy',
    edits: [
      [
        gate('block/decode.ts'),
        "return { operation: 'write', pieces: [pieceAt(sector, given, HEADER_BYTES)] };",
        "return { operation: 'write', pieces: [pieceAt(numberAt(readFrom(memory, chain, 0, header), 8, 8), given, HEADER_BYTES)] };",
      ],
    ],
    act(kit) {
      let fetches = 0;
      let at = 0;
      // The guest's other hart, always at the worst moment.
      const disk: Disk = openDisk(kit, 'raw', {
        watch: {
          fetched(_chain, part, address) {
            if (part === 3 && address === at && (fetches += 1) === 2)
              disk.guest.view.setUint32(at - RAM + 8, 1_000_000, true);
          },
        },
      });
      at = header(kit, disk, 1, 0);
      const status = kit.driver.allocate(disk.guest, 1);
      post(kit, disk, [
        { address: at, length: 16, flags: 1, next: 1 },
        { address: kit.driver.allocate(disk.guest, 512), length: 512, flags: 1, next: 2 },
        { address: status, length: 1, flags: 2, next: 0 },
      ]);
      const [request] = disk.requests();
      const effect = (request?.offset ?? 0) >= 2 ** 20;
      return { effect, how: `offset ${request?.offset} of a disk of 1 MiB, header fetched ${fetches} times` };
    },
  },
  {
    attack: 'G2 a discard’s list is changed after it was checked',
    source: 'isolation.md G3; XSA-155 (double fetch)',
    check: 'what was checked is a copy',
    edits: [
      [
        gate('block/decode.ts'),
        'ranges.push(pieceAt(sector, bytes, 0));',
        'ranges.push(pieceAt(numberAt(readFrom(memory, chain, HEADER_BYTES, list), at, 8), bytes, 0));',
      ],
    ],
    act(kit) {
      let fetches = 0;
      let list = 0;
      const disk: Disk = openDisk(kit, 'unverified', {
        watch: {
          fetched(_chain, part, address) {
            if (part === 4 && address === list && (fetches += 1) === 2)
              disk.guest.view.setUint32(list - RAM, 80_000_000, true);
          },
        },
      });
      list = kit.driver.allocate(disk.guest, 16);
      disk.guest.view.setUint32(list - RAM + 8, 8, true);
      post(kit, disk, [
        { address: header(kit, disk, 11, 0), length: 16, flags: 1, next: 1 },
        { address: list, length: 16, flags: 1, next: 2 },
        { address: kit.driver.allocate(disk.guest, 1), length: 1, flags: 2, next: 0 },
      ]);
      const beyond = [...(disk.state.backing as { versions: Map<number, unknown> }).versions.keys()].some(
        (chunk) => chunk > 0,
      );
      return { effect: beyond, how: `blocks beyond the disk were discarded: ${beyond}, list fetched ${fetches} times` };
    },
  },
  {
    attack: 'G2 a write beyond the end of the disk',
    source: 'isolation.md G2; CVE-2020-14364',
    target: 'the disk of another',
    check: 'a request fits its disk',
    edits: [[gate('block/decode.ts'), '    sector + bytes / SECTOR_BYTES <= state.sectors &&\n', '']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      for (const block of [256, 255 + 2 ** 20, 2 ** 40]) disk.write(block, filled(1, 4096));
      disk.write(255, filled(1, 8192));
      const beyond = disk.requests().filter(({ offset, length }) => offset + length > 2 ** 20);
      return { effect: beyond.length > 0, how: `${beyond.length} requests beyond the disk left` };
    },
  },
  {
    attack: 'G2 a discard of four billion sectors that the disk does not have',
    check: 'a discard fits its disk',
    edits: [[gate('block/decode.ts'), 'if (!fits(state, sector, bytes)) return FAILED;\n    ranges', 'ranges']],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      const range = new DataView(new ArrayBuffer(16));
      range.setUint32(8, 2 ** 26, true);
      const buffer = kit.room(disk, 16, false);
      kit.driver.put(disk.guest, buffer.address, new Uint8Array(range.buffer));
      kit.ask(disk, kit.BLOCK_TYPE.discard, 0, buffer);
      const { size } = (disk.state.backing as { versions: Map<number, unknown> }).versions;
      return { effect: size > 1, how: `the monitor keeps ${size} parts of a version table of 1` };
    },
  },
  {
    attack: 'G2 a read-only disk is written',
    target: 'an image',
    check: 'a read-only disk takes no writes',
    edits: [[gate('block/decode.ts'), 'if (state.readOnly || !fits(', 'if (!fits(']],
    act(kit) {
      const disk = openDisk(kit, 'raw', { readOnly: true });
      disk.write(3, filled(0xee));
      disk.settle();
      const found = disk.storage.stores.get(0)![3 * 4096]!;
      return { effect: found === 0xee, how: `the image's block begins with 0x${found.toString(16)}` };
    },
  },
]);
