import { MEMORY_MAP } from '@cloister/hardware';
import { BLOCK_BYTES, PAYLOAD_PLACE_BYTES, PAYLOAD_PLACES, SEALED_BLOCK_BYTES, SECTOR_BYTES } from '@cloister/protocol';
import { gatePortMessage, gateReplied, gateResend, gateResize, serveDoorbells } from '../io-gate/gate.ts';
import { createFetchWatch, createGateBench, type GateBench } from './gate-bench.ts';
import {
  addChain,
  type DriverDevice,
  type DriverQueue,
  FEATURE,
  startDevice,
  writeDescriptor,
} from './guest-driver.ts';
import { createMemoryStorage, hashTreeOf } from './memory-storage.ts';
import { plausibleBuffers } from './plausible-chain.ts';

export interface RingFuzz {
  readonly bench: GateBench;
  /** Where rings and tables lie, for a second thread to rewrite: byte range of the shared memory. */
  readonly from: number;
  readonly to: number;
  /** Runs one random case. */
  step(): void;
  readonly counts: { cases: number; stops: number; requests: number; resets: number; slowestMs: number };
  /** Why devices were stopped, numbers masked, and what left the gate, by kind: how far the cases got. */
  readonly reached: Map<string, number>;
  /** What must never be there: throws that only the gate's last wall caught, and throws past it. */
  readonly faults: string[];
}

const RAM_BYTES = 64 * 2 ** 20;
const RING_SIZE = 8;
const DISK_BYTES = 2048 * SECTOR_BYTES;
/** A case that takes longer hangs; the longest seen, on a loaded machine, is below a hundredth of it. */
const HANG_MS = 10_000;
const FIRST_FREE = 0x10_0000;
/** What lies here is rewritten by the second thread: rings, descriptors and small buffers. */
const PLAYGROUND_BYTES = 0x4_0000;

/** A small generator with a printed seed (xorshift32). */
function generator(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * A gate whose guest, driver and slice send anything: random descriptors with loops, addresses outside RAM and at its
 * edges, any length, indirect tables anywhere, ring indexes that jump, register writes in any order, replies that were
 * not asked for. A watch fails on a second fetch of a byte and on any address outside RAM.
 */
export function createRingFuzz(seed: number): RingFuzz {
  const random = generator(seed);
  const pick = <T>(values: readonly T[]): T => values[random(values.length)]!;
  const tree = hashTreeOf(new Uint8Array(DISK_BYTES));
  const bench = createGateBench(
    [
      { kind: 'console', names: ['a', 'b'] },
      { kind: 'rng' },
      { kind: 'block', sectors: 2048, readOnly: false, backing: { kind: 'raw', store: 0 } },
      {
        kind: 'block',
        sectors: 2048,
        readOnly: false,
        backing: { kind: 'overlay', base: 1, overlay: 2, tree: { store: 3, rootHash: tree.rootHash } },
      },
    ],
    RAM_BYTES,
    createFetchWatch(),
  );
  const storage = createMemoryStorage(
    [
      [0, new Uint8Array(DISK_BYTES)],
      [1, new Uint8Array(DISK_BYTES)],
      [2, new Uint8Array((DISK_BYTES / BLOCK_BYTES) * SEALED_BLOCK_BYTES)],
      [3, tree.file],
    ],
    bench.area,
  );
  const { guest, gate } = bench;
  const base = MEMORY_MAP.ram.base;
  const end = base + RAM_BYTES;
  const counts = { cases: 0, stops: 0, requests: 0, resets: 0, slowestMs: 0 };
  const reached = new Map<string, number>();
  const reach = (what: string): void => void reached.set(what, (reached.get(what) ?? 0) + 1);
  const faults: string[] = [];
  const restart = (number: number): DriverDevice => {
    counts.resets += 1;
    guest.free = base + FIRST_FREE + number * (PLAYGROUND_BYTES / 8);
    return startDevice(
      guest,
      number,
      random(2) === 0 ? FEATURE.indirect : FEATURE.indirect | FEATURE.eventIndex,
      RING_SIZE,
    );
  };
  const devices = [0, 1, 2, 3].map(restart);

  const anyAddress = (): number =>
    pick([
      base + FIRST_FREE + random(PLAYGROUND_BYTES),
      base + FIRST_FREE + random(PLAYGROUND_BYTES),
      base + random(RAM_BYTES),
      end - random(64),
      end + random(1 << 20),
      base - random(4096),
      random(2 ** 31),
      2 ** 53 - 1 - random(1 << 20),
      (2 ** 32 - 1) * 2 ** 20,
      0,
    ]);
  const anyLength = (): number =>
    pick([0, 1, 2, 4, 8, 15, 16, 17, 512, 4096, random(70_000), 2 ** 31 - 1, 2 ** 32 - 1]);
  const anyDescriptor = () => ({
    address: anyAddress(),
    length: anyLength(),
    flags: pick([0, 1, 1, 2, 3, 3, 4, 5, 6, 7, random(65_536)]),
    next: pick([0, 1, 2, random(RING_SIZE), random(65_536)]),
  });

  const scribble = (queue: DriverQueue): void => {
    for (let i = random(RING_SIZE) + 1; i > 0; i -= 1)
      writeDescriptor(guest, queue.descriptors, random(RING_SIZE), anyDescriptor());
    // An indirect table where a descriptor may point to.
    const table = base + FIRST_FREE + (random(PLAYGROUND_BYTES - 512) & ~15);
    if (random(4) === 0) for (let i = 0; i < 4; i += 1) writeDescriptor(guest, table, i, anyDescriptor());
    // A block request's header, so that some chains get further than the first check.
    let request: number | undefined;
    if (random(2) === 0) {
      const header = base + FIRST_FREE + (random(PLAYGROUND_BYTES - 64) & ~15);
      guest.view.setUint32(header - base, pick([0, 0, 1, 1, 4, 8, 11, 13, random(2 ** 31)]), true);
      guest.view.setBigUint64(
        header - base + 8,
        BigInt(pick([0, 1, 7, 100, 2047, 2048, random(2 ** 31), 2 ** 53 - 1])),
        true,
      );
      const first = random(RING_SIZE);
      request = first;
      const rest = [(first + 1) % RING_SIZE, (first + 2) % RING_SIZE] as const;
      writeDescriptor(guest, queue.descriptors, first, { address: header, length: 16, flags: 1, next: rest[0] });
      const data = { address: base + random(RAM_BYTES / 2), length: SECTOR_BYTES * random(random(8) === 0 ? 300 : 8) };
      writeDescriptor(guest, queue.descriptors, rest[0], { ...data, flags: pick([1, 3, 3]), next: rest[1] });
      writeDescriptor(guest, queue.descriptors, rest[1], {
        address: pick([base + FIRST_FREE + PLAYGROUND_BYTES - 8, anyAddress()]),
        length: 1,
        flags: 2,
        next: 0,
      });
    }
    const ring = queue.available - base;
    for (let i = 0; i < RING_SIZE; i += 1)
      guest.view.setUint16(ring + 4 + 2 * i, pick([random(RING_SIZE), random(RING_SIZE), random(65_536)]), true);
    const index = guest.view.getUint16(ring + 2, true);
    if (request !== undefined && random(4) !== 0) {
      guest.view.setUint16(ring + 4 + 2 * (index % RING_SIZE), request, true);
      guest.view.setUint16(ring + 2, (index + 1) & 0xffff, true);
    } else {
      const jump = pick([index + 1, index + 1, index + random(RING_SIZE + 2), random(65_536)]);
      guest.view.setUint16(ring + 2, jump & 0xffff, true);
    }
    guest.view.setUint16(ring, random(2), true);
  };

  /** A chain that a driver could have made, half the time with one descriptor damaged after. */
  const addPlausible = (number: number, queue: DriverQueue): void => {
    const room = { from: base + FIRST_FREE + PLAYGROUND_BYTES / 2, bytes: PLAYGROUND_BYTES / 2 };
    const buffers = plausibleBuffers(guest, gate.devices[number]!.kind, queue, room, random);
    queue.availableIndex = guest.view.getUint16(queue.available - base + 2, true);
    const before = guest.free;
    guest.free = room.from + (random(room.bytes - 512) & ~15);
    const table = guest.free;
    const indirect = random(3) === 0;
    const head = addChain(guest, queue, buffers, indirect);
    guest.free = before;
    if (random(2) === 0) return;
    const victim = random(buffers.length);
    const place = indirect ? table : queue.descriptors;
    const index = indirect ? victim : (head + victim) % queue.size;
    const at = place - base + 16 * index;
    // One field of it, so that the rest still leads on.
    const broken = anyDescriptor();
    switch (random(4)) {
      case 0:
        guest.view.setBigUint64(at, BigInt(broken.address), true);
        break;
      case 1:
        guest.view.setUint32(at + 8, broken.length, true);
        break;
      case 2:
        guest.view.setUint16(at + 12, broken.flags, true);
        break;
      default:
        guest.view.setUint16(at + 14, broken.next, true);
    }
  };

  const scribbleRegisters = (device: DriverDevice): void => {
    const offset = pick([0x14, 0x16, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, random(0x4000)]);
    const size = pick([1, 2, 4, 8] as const);
    guest.bus.write(
      device.bar + offset,
      size,
      BigInt(pick([0, 1, 7, 15, 128, random(2 ** 31), anyAddress() % 2 ** 32])),
    );
    guest.bus.read(device.bar + random(0x4000), pick([1, 2, 4, 8] as const));
    if (random(16) === 0) guest.bus.write(MEMORY_MAP.pciConfig.base + random(0x2_0000), size, BigInt(random(2 ** 31)));
  };

  const slice = (): void => {
    for (const message of bench.sent.splice(0)) {
      counts.requests += 1;
      reach(message.kind === 'block.request' ? `block ${message.operation}` : message.kind);
      if (message.kind === 'block.request' && random(4) !== 0) {
        const honest = storage.answer(message);
        // The base is read seldom.
        if (random(message.store === 1 ? 2 : 8) === 0)
          bench.area[message.at + random(message.length + 1)]! ^= 1 << random(8);
        gateReplied(gate, { ...honest, ok: random(4) !== 0 });
      }
    }
    switch (random(26)) {
      case 0:
        gateReplied(gate, {
          kind: 'block.reply',
          store: random(5),
          at: pick([random(2 ** 31), random(PAYLOAD_PLACES) * PAYLOAD_PLACE_BYTES]),
          ok: true,
        });
        break;
      case 1:
        gatePortMessage(gate, { kind: 'port.data', port: random(5), bytes: new Uint8Array(random(3000)) });
        break;
      case 2:
        gatePortMessage(gate, { kind: 'port.taken', port: random(5), count: random(2 ** 31) });
        break;
      case 3:
        gatePortMessage(gate, { kind: 'port.open', port: random(5), open: random(2) === 0 });
        break;
      case 5:
        gateResend(gate);
        bench.sent.length = 0;
        break;
      case 4:
        gateResize(gate, random(65_536), random(65_536));
        break;
    }
  };

  return {
    bench,
    counts,
    reached,
    faults,
    from: guest.ram.byteOffset + FIRST_FREE,
    to: guest.ram.byteOffset + FIRST_FREE + PLAYGROUND_BYTES,
    step() {
      const start = performance.now();
      const number = random(devices.length);
      const device = devices[number]!;
      try {
        const queue = pick(device.queues);
        if (random(12) === 0) scribbleRegisters(device);
        else if (random(3) === 0) scribble(queue);
        else addPlausible(number, queue);
        guest.bus.ring(number, queue.index);
        serveDoorbells(gate);
        slice();
      } catch (error) {
        faults.push(`Past the gate: ${error instanceof Error ? error.stack : String(error)}`);
      }
      counts.cases += 1;
      // Each wrong answer has its line here.
      for (const device of gate.devices) if (device.kind === 'block') device.state.complaints = 0;
      for (const line of bench.logged.splice(0)) {
        const stopped = /stopped until its driver resets it: (.*)/.exec(line);
        if (stopped !== null) {
          counts.stops += 1;
          reach(stopped[1]!.replace(/0x[0-9a-f]+|[0-9]+/g, 'N'));
        }
        const wrong = /wrong answer [0-9]+: (.*)/.exec(line);
        if (wrong !== null) reach(wrong[1]!.replace(/[0-9]+/g, 'N'));
        if (line.includes('the gate failed')) faults.push(line);
      }
      const took = performance.now() - start;
      counts.slowestMs = Math.max(counts.slowestMs, Math.round(took));
      if (took > HANG_MS) faults.push(`A case took ${Math.round(took)} ms`);
      // A stopped device would make every later case empty; requests that nobody answered hold a reset back.
      if (gate.devices[number]!.transport.status !== 15) revive(number);
    },
  };

  function revive(number: number): void {
    for (const device of gate.devices)
      if (device.kind === 'block')
        for (const [at, { message }] of [...device.state.requests])
          gateReplied(gate, { kind: 'block.reply', store: message.store, at, ok: false });
    counts.requests += bench.sent.splice(0).length;
    bench.logged.length = 0;
    devices[number] = restart(number);
  }
}

/** Source of a worker that rewrites words of a range at random until it is ended: the guest's other hart. */
export const REWRITER = `
const { workerData: { memory, from, to, seed } } = require('node:worker_threads');
const words = new Int32Array(memory, from, (to - from) >> 2);
let state = seed | 1;
const next = () => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return state >>> 0; };
for (;;) words[next() % words.length] = next() % 3 === 0 ? next() : words[next() % words.length] ^ (1 << (next() & 31));
`;
