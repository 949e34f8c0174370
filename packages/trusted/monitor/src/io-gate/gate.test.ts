import { INTERRUPT_SOURCE, interruptLines, MEMORY_MAP } from '@cloister/hardware';
import type { BlockRequest, DeviceConfig } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { createFetchWatch, createGateBench, type GateBench } from '../testing/gate-bench.ts';
import {
  acknowledge,
  addChain,
  allocate,
  assignBar,
  configAddress,
  type DriverDevice,
  FEATURE,
  findDevice,
  get,
  kick,
  makeAvailable,
  put,
  startDevice,
  takeUsed,
  writeDescriptor,
} from '../testing/guest-driver.ts';
import { gatePortMessage, gateReplied, serveDoorbells } from './gate.ts';
import { fetchBytes } from './guest-memory.ts';
import { readFrom, takeChain } from './split-ring.ts';

const RING = FEATURE.indirect | FEATURE.eventIndex;
const RNG: DeviceConfig = { kind: 'rng' };
const DISK: DeviceConfig = { kind: 'block', sectors: 2048, readOnly: false, backing: { kind: 'raw', store: 0 } };

const bench = (...devices: DeviceConfig[]): GateBench => createGateBench(devices, 64 << 20, createFetchWatch());

const lineOf = (b: GateBench, device: number): boolean =>
  ((interruptLines(b.board) >>> (INTERRUPT_SOURCE.pciFirst + device)) & 1) === 1;

describe('the PCI host', () => {
  test('has devices where they are and all ones elsewhere', () => {
    const b = bench({ kind: 'console', names: [] }, DISK, RNG);
    expect([3, 2, 4].map((id) => findDevice(b.guest, id))).toEqual([0, 1, 2]);
    expect(b.guest.bus.read(configAddress(3, 0), 4)).toBe(0xffff_ffffn);
    expect(b.guest.bus.read(configAddress(0, 0x1000), 4)).toBe(0xffff_ffffn);
    expect(b.guest.bus.read(MEMORY_MAP.pciMemory.base, 8)).toBe(2n ** 64n - 1n);
  });

  test('sizes the BAR and answers in it only while decoding is on', () => {
    const b = bench(RNG);
    b.guest.bus.write(configAddress(0, 0x10), 4, 0xffff_ffffn);
    expect(b.guest.bus.read(configAddress(0, 0x10), 4)).toBe(0xffff_c000n);
    const bar = assignBar(b.guest, 0);
    expect(b.guest.bus.read(bar + 0x12, 2)).toBe(1n);
    b.guest.bus.write(configAddress(0, 0x04), 2, 0n);
    expect(b.guest.bus.read(bar + 0x12, 2)).toBe(0xffffn);
  });

  test('lists the virtio structures once each, in the BAR, and no MSI-X', () => {
    const b = bench(DISK);
    const types: number[] = [];
    for (let at = Number(b.guest.bus.read(configAddress(0, 0x34), 1)); at !== 0; ) {
      expect(b.guest.bus.read(configAddress(0, at), 1)).toBe(0x09n);
      types.push(Number(b.guest.bus.read(configAddress(0, at + 3), 1)));
      at = Number(b.guest.bus.read(configAddress(0, at + 1), 1));
    }
    expect(types.sort()).toEqual([1, 2, 3, 4, 5]);
    expect(b.guest.bus.read(configAddress(0, 0x3d), 1)).toBe(1n);
  });

  test('reaches the BAR through the configuration access capability', () => {
    const b = bench(DISK);
    assignBar(b.guest, 0);
    b.guest.bus.write(configAddress(0, 0xa8), 4, 0x2000n);
    b.guest.bus.write(configAddress(0, 0xac), 4, 4n);
    expect(b.guest.bus.read(configAddress(0, 0xb0), 4)).toBe(2048n);
  });
});

describe('the transport', () => {
  test('refuses features that were not offered, and a driver without VIRTIO_F_VERSION_1', () => {
    const b = bench(RNG);
    const bar = assignBar(b.guest, 0);
    for (const [low, high, accepted] of [
      [0, 1, true],
      [1 << 28, 1, true],
      [0, 0, false],
      [1, 1, false],
      [0, 3, false],
    ] as const) {
      b.guest.bus.write(bar + 0x14, 1, 0n);
      b.guest.bus.write(bar + 0x14, 1, 3n);
      b.guest.bus.write(bar + 0x08, 4, 0n);
      b.guest.bus.write(bar + 0x0c, 4, BigInt(low));
      b.guest.bus.write(bar + 0x08, 4, 1n);
      b.guest.bus.write(bar + 0x0c, 4, BigInt(high));
      b.guest.bus.write(bar + 0x14, 1, 11n);
      expect((b.guest.bus.read(bar + 0x14, 1) & 8n) !== 0n).toBe(accepted);
    }
  });

  test('forgets everything at a reset', () => {
    const b = bench(RNG);
    const device = startDevice(b.guest, 0, RING);
    b.guest.bus.write(device.bar + 0x14, 1, 0n);
    expect(b.guest.bus.read(device.bar + 0x14, 1)).toBe(0n);
    expect(b.guest.bus.read(device.bar + 0x1c, 2)).toBe(0n);
    expect(b.guest.bus.read(device.bar + 0x20, 4)).toBe(0n);
    expect(b.guest.bus.read(device.bar + 0x18, 2)).toBe(256n);
  });

  test('touched with another width than a field’s reads 0 and writes nothing', () => {
    const b = bench(RNG);
    const device = startDevice(b.guest, 0, RING);
    expect(b.guest.bus.read(device.bar + 0x12, 1)).toBe(0n);
    b.guest.bus.write(device.bar + 0x14, 4, 0n);
    expect(b.guest.bus.read(device.bar + 0x14, 1)).toBe(15n);
  });
});

describe.each([
  ['plain rings', 0n],
  ['event index', FEATURE.eventIndex],
])('entropy with %s', (_name, features) => {
  test.each([false, true])('comes with an interrupt, indirect %s, round the ring many times', (indirect) => {
    const b = bench(RNG);
    const device = startDevice(b.guest, 0, features | FEATURE.indirect, 8);
    const queue = device.queues[0]!;
    const buffer = allocate(b.guest, 64);
    takeUsed(b.guest, queue);
    for (let i = 0; i < 300; i += 1) {
      put(b.guest, buffer, new Uint8Array(64));
      const head = addChain(b.guest, queue, [{ address: buffer, length: 33, writable: true }], indirect);
      expect(kick(b.guest, queue)).toBe(true);
      serveDoorbells(b.gate);
      expect(lineOf(b, 0)).toBe(true);
      expect(acknowledge(b.guest, device)).toBe(1);
      expect(lineOf(b, 0)).toBe(false);
      expect(takeUsed(b.guest, queue)).toEqual({ head, length: 33 });
      expect(takeUsed(b.guest, queue)).toBeUndefined();
      expect(get(b.guest, buffer, 34)).toEqual(Uint8Array.from({ length: 34 }, (_, at) => (at < 33 ? 0x5a : 0)));
      if (i % 50 === 0) b.guest.free = buffer + 64;
    }
  });
});

describe('a malformed ring stops the one device with its reason', () => {
  const cases: [string, RegExp, (b: GateBench, device: DriverDevice, buffer: number) => void][] = [
    [
      'a loop',
      /comes twice/,
      (b, { queues: [queue] }, address) => {
        writeDescriptor(b.guest, queue!.descriptors, 0, { address, length: 4, flags: 3, next: 1 });
        writeDescriptor(b.guest, queue!.descriptors, 1, { address, length: 4, flags: 3, next: 0 });
        makeAvailable(b.guest, queue!, 0);
      },
    ],
    [
      'a descriptor beyond the table',
      /descriptor 300 of 256/,
      (b, { queues: [queue] }) => makeAvailable(b.guest, queue!, 300),
    ],
    [
      'a buffer that reaches out of RAM',
      /outside RAM/,
      (b, { queues: [queue] }) => {
        const end = MEMORY_MAP.ram.base + b.guest.ram.length;
        addChain(b.guest, queue!, [{ address: end - 4, length: 5, writable: true }]);
      },
    ],
    [
      'a buffer at the top of the address space',
      /outside RAM/,
      (b, { queues: [queue] }) => {
        addChain(b.guest, queue!, [{ address: 2 ** 64 - 2 ** 12, length: 0xffff_ffff, writable: true }]);
      },
    ],
    [
      'an index too far ahead',
      /257 chains wait/,
      (b, { queues: [queue] }) => {
        queue!.availableIndex = 256;
        makeAvailable(b.guest, queue!, 0);
      },
    ],
    [
      'an indirect table in an indirect table',
      /in an indirect table/,
      (b, { queues: [queue] }) => {
        const table = allocate(b.guest, 16);
        writeDescriptor(b.guest, table, 0, { address: table, length: 16, flags: 4, next: 0 });
        writeDescriptor(b.guest, queue!.descriptors, 0, { address: table, length: 16, flags: 4, next: 0 });
        makeAvailable(b.guest, queue!, 0);
      },
    ],
    [
      'a buffer to read where there is nothing to read',
      /nothing to read/,
      (b, { queues: [queue] }, address) => {
        addChain(b.guest, queue!, [{ address, length: 4, writable: false }]);
      },
    ],
  ];
  test.each(cases)('%s', (_name, reason, damage) => {
    const b = bench(RNG, RNG);
    const [bad, good] = [startDevice(b.guest, 0, RING), startDevice(b.guest, 1, RING)];
    const buffer = allocate(b.guest, 16);
    damage(b, bad, buffer);
    b.guest.bus.ring(0, 0);
    serveDoorbells(b.gate);
    expect(b.logged).toEqual([expect.stringMatching(reason)]);
    expect(Number(b.guest.bus.read(bad.bar + 0x14, 1)) & 0x40).toBe(0x40);
    expect(acknowledge(b.guest, bad)).toBe(2);
    addChain(b.guest, bad.queues[0]!, [{ address: buffer, length: 4, writable: true }]);
    addChain(b.guest, good.queues[0]!, [{ address: buffer, length: 4, writable: true }]);
    for (const device of [bad, good]) b.guest.bus.ring(device.number, 0);
    serveDoorbells(b.gate);
    expect([bad, good].map((device) => takeUsed(b.guest, device.queues[0]!)?.length)).toEqual([undefined, 4]);
    const again = startDevice(b.guest, 0, RING);
    addChain(b.guest, again.queues[0]!, [{ address: buffer, length: 4, writable: true }]);
    b.guest.bus.ring(0, 0);
    serveDoorbells(b.gate);
    expect(takeUsed(b.guest, again.queues[0]!)?.length).toBe(4);
  });

  test('an area of a queue outside RAM or not aligned', () => {
    for (const address of [0x1000, MEMORY_MAP.ram.base + 8, MEMORY_MAP.ram.base + (64 << 20) - 16]) {
      const b = bench(RNG);
      const { bar } = startDevice(b.guest, 0, RING);
      b.guest.bus.write(bar + 0x14, 1, 0n);
      b.guest.bus.write(bar + 0x20, 4, BigInt(address));
      b.guest.bus.write(bar + 0x1c, 2, 1n);
      expect(b.logged).toHaveLength(1);
      expect(b.guest.bus.read(bar + 0x1c, 2)).toBe(0n);
    }
  });
});

test('a slice that opens and ends a port without end makes no more than two messages wait', () => {
  const b = bench({ kind: 'console', names: ['a'] });
  const device = startDevice(b.guest, 0, RING);
  const message = allocate(b.guest, 8);
  const tell = (event: number): void => {
    put(b.guest, message, Uint8Array.of(1, 0, 0, 0, event, 0, 1, 0));
    addChain(b.guest, device.queues[3]!, [{ address: message, length: 8, writable: false }]);
    b.guest.bus.ring(0, 3);
    serveDoorbells(b.gate);
  };
  const [console] = b.gate.devices;
  if (console?.kind !== 'console') throw new Error('No console');
  const flood = (): void => {
    for (let i = 0; i < 1000; i += 1) gatePortMessage(b.gate, { kind: 'port.open', port: 1, open: i % 3 !== 0 });
  };
  flood();
  expect(console.state.control).toHaveLength(0);
  tell(3);
  tell(6);
  const before = console.state.control.length;
  flood();
  expect(console.state.control.length).toBeLessThanOrEqual(before + 2);
  expect(console.state.control.at(-1)).toEqual(Uint8Array.of(1, 0, 0, 0, 6, 0, 0, 0));
});

test('a request’s header that is read twice is caught: a planted double fetch in the way of a chain', () => {
  const watch = createFetchWatch();
  const b = createGateBench([RNG], 64 << 20, watch);
  const device = startDevice(b.guest, 0, RING);
  const header = allocate(b.guest, 16);
  addChain(b.guest, device.queues[0]!, [{ address: header, length: 16, writable: false }]);
  const queue = b.gate.devices[0]!.transport.queues[0]!;
  const taken = takeChain(b.gate.memory, queue, Number(RING));
  if (typeof taken !== 'object') throw new Error('No chain');
  const type = readFrom(b.gate.memory, taken, 0, new Uint8Array(16))[0];
  expect(type).toBe(0);
  // As code would that checks the type first and reads the request again to act on it.
  expect(() => readFrom(b.gate.memory, taken, 0, new Uint8Array(16))).toThrow(/Fetched twice/);
});

test('the watch catches a planted double fetch', () => {
  const b = bench(RNG);
  const chain = {};
  fetchBytes(b.gate.memory, chain, 3, MEMORY_MAP.ram.base, new Uint8Array(16));
  fetchBytes(b.gate.memory, chain, 3, MEMORY_MAP.ram.base + 16, new Uint8Array(1));
  expect(() => fetchBytes(b.gate.memory, chain, 3, MEMORY_MAP.ram.base + 15, new Uint8Array(1))).toThrow(/twice/);
  expect(() => fetchBytes(b.gate.memory, {}, 3, MEMORY_MAP.ram.base - 1, new Uint8Array(2))).toThrow(
    /outside guest RAM/,
  );
});

test('a reset waits for requests under way and lets no late answer into guest memory', () => {
  const b = bench(DISK);
  const device = startDevice(b.guest, 0, RING);
  const [header, data, status] = [allocate(b.guest, 16), allocate(b.guest, 512), allocate(b.guest, 1)];
  addChain(b.guest, device.queues[0]!, [
    { address: header, length: 16, writable: false },
    { address: data, length: 512, writable: true },
    { address: status, length: 1, writable: true },
  ]);
  b.guest.bus.ring(0, 0);
  serveDoorbells(b.gate);
  const [request] = b.sent as BlockRequest[];
  b.area.set(new Uint8Array(512).fill(9), request!.at);
  b.guest.bus.write(device.bar + 0x14, 1, 0n);
  expect(b.guest.bus.read(device.bar + 0x14, 1)).toBe(15n);
  gateReplied(b.gate, { kind: 'block.reply', store: 0, at: request!.at, ok: true });
  expect(b.guest.bus.read(device.bar + 0x14, 1)).toBe(0n);
  expect(get(b.guest, data, 1)).toEqual(Uint8Array.of(0));
});
