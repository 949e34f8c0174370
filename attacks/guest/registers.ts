import { openDisk, seen } from '../bench/disk.ts';
import { benchAttacks } from '../bench/on-bench.ts';
import { gate } from '../bench/sources.ts';

const TRANSPORT = gate('transport.ts');
/** Offsets of the common configuration. */
const AT = {
  featureSelect: 0x08,
  feature: 0x0c,
  status: 0x14,
  queueSelect: 0x16,
  size: 0x18,
  descriptors: 0x20,
} as const;

const COMMON = { from: 'guest', target: 'its devices', source: 'isolation.md G1 (CVE-2015-3456), S1' };

/** Device registers, in the wrong order and at the wrong time. */
export const DEVICE_REGISTERS = benchAttacks(COMMON, [
  {
    attack: 'G1 features are changed after FEATURES_OK',
    check: 'features are fixed once they were accepted',
    edits: [
      [
        TRANSPORT,
        '(transport.status & STATUS.featuresOk) === 0 && transport.driverFeatureSelect < 2',
        'transport.driverFeatureSelect < 2',
      ],
    ],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const { guest } = disk;
      const device = kit.driver.startDevice(guest, 0, 0n);
      guest.bus.write(device.bar + AT.featureSelect, 4, 0n);
      guest.bus.write(device.bar + AT.feature, 4, kit.driver.FEATURE.indirect);
      kit.driver.addChain(
        guest,
        device.queues[0]!,
        [
          { address: kit.driver.allocate(guest, 16), length: 16, writable: false },
          { address: kit.driver.allocate(guest, 512), length: 513, writable: true },
        ],
        true,
      );
      guest.bus.ring(0, 0);
      kit.gate.serveDoorbells(disk.gate);
      const left = disk.requests().length;
      return { effect: left > 0, how: `${left} chains were taken by a feature that was not negotiated` };
    },
  },
  {
    attack: 'G1 features that were not offered are taken',
    check: 'what the driver takes was offered',
    edits: [[TRANSPORT, '(low & ~offered[0]) === 0 && (high & ~offered[1]) === 0 && ', '']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const { bus } = disk.guest;
      const write = (at: number, size: 1 | 4, value: bigint): void => bus.write(disk.device.bar + at, size, value);
      write(AT.status, 1, 0n);
      write(AT.status, 1, 3n);
      for (const [word, bits] of [0xffff_ffffn, 0xffff_ffffn].entries()) {
        write(AT.featureSelect, 4, BigInt(word));
        write(AT.feature, 4, bits);
      }
      write(AT.status, 1, 11n);
      const status = bus.read(disk.device.bar + AT.status, 1);
      return { effect: (status & 8n) !== 0n, how: `status 0x${status.toString(16)}` };
    },
  },
  {
    attack: 'G1 a stopped device is told that it runs',
    check: 'a driver clears no status bit',
    edits: [[TRANSPORT, 'let next = before | (value & ~STATUS.needsReset);', 'let next = value;']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const { guest, device } = disk;
      kit.driver.addChain(guest, device.queues[0]!, [{ address: 0, length: 16, writable: false }]);
      guest.bus.ring(0, 0);
      kit.gate.serveDoorbells(disk.gate);
      guest.bus.write(device.bar + AT.status, 1, 15n);
      const read = disk.read(3);
      disk.settle();
      return { effect: read.status() === 0, how: seen(read) };
    },
  },
  {
    attack: 'G1 a queue is moved and grown while it is served',
    check: 'an enabled queue is fixed',
    edits: [[TRANSPORT, 'if (queue !== undefined && !queue.enabled) set(', 'if (queue !== undefined) set(']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const { guest, device } = disk;
      const elsewhere = kit.driver.allocate(guest, 16 * 256, 16);
      guest.bus.write(device.bar + AT.queueSelect, 2, 0n);
      guest.bus.write(device.bar + AT.descriptors, 4, BigInt(elsewhere));
      guest.bus.write(device.bar + AT.size, 2, 256n);
      const found = guest.bus.read(device.bar + AT.descriptors, 4);
      const effect = found === BigInt(elsewhere);
      return { effect, how: `descriptors are taken from 0x${found.toString(16)}` };
    },
  },
  {
    attack: 'G1 a queue of any size',
    check: 'a queue’s size is a power of two up to the maximum',
    edits: [
      [
        TRANSPORT,
        'if (size > 0 && size <= QUEUE_SIZE_MAX && (size & (size - 1)) === 0) queue.size = size;',
        'if (true) queue.size = size;',
      ],
    ],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const { guest, device } = disk;
      guest.bus.write(device.bar + AT.status, 1, 0n);
      const sizes = [0n, 3n, 257n, 32768n, 65535n].map((size) => {
        guest.bus.write(device.bar + AT.size, 2, size);
        return guest.bus.read(device.bar + AT.size, 2);
      });
      return {
        effect: sizes.some((size) => size !== 256n),
        how: `sizes that were taken: ${[...new Set(sizes)].join(', ')}`,
      };
    },
  },
  {
    attack: 'G1 the window into the BAR is set beyond it',
    check: 'the window lies in the BAR',
    edits: [
      [
        gate('pci-function.ts'),
        'return at % size === 0 && at + size <= VIRTIO_BAR.length ? { offset: at, size } : undefined;',
        'return { offset: at, size };',
      ],
    ],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const { configAddress } = kit.driver;
      const { bus } = disk.guest;
      // Notify offset far beyond the queues, which a store would ring.
      bus.write(configAddress(0, 0xa8), 4, 0x3001n);
      bus.write(configAddress(0, 0xac), 4, 4n);
      bus.write(configAddress(0, 0xb0), 4, 1n);
      const odd = disk.guest.bus.read(configAddress(0, 0xb0), 4);
      bus.write(configAddress(0, 0xa8), 4, 0xffff_fffcn);
      const words = [...Array(4).keys()].map(() => bus.read(configAddress(0, 0xb0), 4));
      bus.write(configAddress(0, 0xa8), 4, 0x2001n);
      const config = bus.read(configAddress(0, 0xb0), 4);
      return {
        effect: config !== 0n,
        how: `read 0x${config.toString(16)}, 0x${odd.toString(16)}, 0x${words[0]!.toString(16)}`,
      };
    },
  },
]);
