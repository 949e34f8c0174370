import { filled, openDisk } from '../bench/disk.ts';
import { openMachine, RAM } from '../bench/machine.ts';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { gate, monitor } from '../bench/sources.ts';

const REQUESTS = gate('block/requests.ts');
const PORT_WINDOW = 256 * 1024;
const DBCN = 0x4442434en;

const COMMON = { from: 'guest', target: 'the memory and time of the host', source: 'issue 5 §7, judged point 2' };

const portBytes = (messages: readonly { readonly kind: string }[]): number =>
  messages.reduce(
    (sum, one) => sum + (one.kind === 'port.data' ? (one as unknown as { bytes: Uint8Array }).bytes.length : 0),
    0,
  );

/** A console with a driver that has started it, and the second queue of port 0 in reach. */
function openConsole(kit: Kit) {
  const bench = kit.createGateBench([{ kind: 'console', names: [] }]);
  const device = kit.driver.startDevice(bench.guest, 0, 3n);
  const ring = (queue: number): void => {
    bench.guest.bus.ring(0, queue);
    kit.gate.serveDoorbells(bench.gate);
  };
  const state = (bench.gate.devices[0] as Extract<(typeof bench.gate.devices)[number], { kind: 'console' }>).state;
  return { ...bench, device, ring, state };
}

/** A guest that floods each device, each log and each exit. */
export const GUEST_FLOODS = benchAttacks(COMMON, [
  {
    attack: 'G1 requests of a device as fast as they can be made',
    check: 'a device is served no faster than its budget',
    edits: [
      [gate('device.ts'), 'if (served === queue.size || rate.wait() > 0) {', 'if (served === queue.size) {'],
      [gate('gate.ts'), 'if (gate.rates[device.number]!.wait() > 0) continue;', ''],
    ],
    act(kit) {
      // Time stands still.
      const { guest, monitor: served } = openMachine(kit, { devices: [{ kind: 'rng' }], now: () => 1000 });
      const device = kit.driver.startDevice(guest, 0, 0n);
      const [queue] = device.queues;
      const buffer = { address: kit.driver.allocate(guest, 4), length: 4, writable: true };
      let count = 0;
      for (let asked = 0; asked < 20_000; asked += 1) {
        kit.driver.addChain(guest, queue!, [buffer]);
        guest.bus.ring(0, 0);
        served.look();
        if (kit.driver.takeUsed(guest, queue!) === undefined) break;
        count += 1;
      }
      return { effect: count === 20_000, how: `${count} of 20000 requests were served in no time` };
    },
  },
  {
    attack: 'G1 control messages of the console without end',
    source: 'isolation.md G1 (CVE-2015-3456)',
    check: 'control messages that wait are few',
    edits: [[gate('console/requests.ts'), 'device.state.control.length < CONTROL_MAX', 'true']],
    act(kit) {
      const { guest, device, ring, state } = openConsole(kit);
      const message = kit.driver.allocate(guest, 8);
      // Port 0 is ready: it answers with three messages, for which the driver has no buffers.
      kit.driver.put(guest, message, Uint8Array.of(0, 0, 0, 0, 3, 0, 1, 0));
      for (let i = 0; i < 500; i += 1) {
        kit.driver.addChain(guest, device.queues[3]!, [{ address: message, length: 8, writable: false }]);
        ring(3);
        if (kit.driver.takeUsed(guest, device.queues[3]!) === undefined) break;
      }
      return { effect: state.control.length > 200, how: `${state.control.length} messages wait` };
    },
  },
  {
    attack: 'G1 output to a console that nobody reads',
    check: 'output waits in the guest’s ring while the host has no room',
    edits: [
      [
        gate('console/requests.ts'),
        'Math.min(chain.readableBytes - offset, port.room)',
        'chain.readableBytes - offset',
      ],
    ],
    act(kit) {
      const { guest, device, ring, sent } = openConsole(kit);
      const address = kit.driver.allocate(guest, 2 ** 20);
      for (let i = 0; i < 8; i += 1) {
        kit.driver.addChain(guest, device.queues[1]!, [{ address, length: 2 ** 20, writable: false }]);
        ring(1);
      }
      const bytes = portBytes(sent);
      return { effect: bytes > PORT_WINDOW, how: `${bytes} bytes were sent that nobody took` };
    },
  },
  {
    attack: 'G1 output to a serial port that nobody reads',
    check: 'the UART is busy while the host has no room',
    edits: [[monitor('serial.ts'), 'if (serial.room < UART_OUTPUT_BYTES_MAX) return;', '']],
    act(kit) {
      const machine = openMachine(kit);
      for (let i = 0; i < 40; i += 1) {
        for (let at = 0; at < 60_000; at += 1) kit.hardware.putUart(machine.board, 65);
        machine.monitor.look();
      }
      const bytes = portBytes(machine.take());
      return { effect: bytes > PORT_WINDOW, how: `${bytes} bytes were sent that nobody took` };
    },
  },
  {
    attack: 'G1 the debug console of SBI without end',
    check: 'a call writes as much as the host has room for',
    edits: [[monitor('sbi.ts'), 'Math.min(limit, serial.room)', 'limit']],
    act(kit) {
      const machine = openMachine(kit);
      for (let i = 0; i < 500; i += 1) {
        machine.leave({ reason: 'sbi', extension: DBCN, function: 0n, arguments: [4096n, BigInt(RAM), 0n] });
        machine.completion();
      }
      const bytes = portBytes(machine.take());
      return { effect: bytes > PORT_WINDOW, how: `${bytes} bytes were sent that nobody took` };
    },
  },
  {
    attack: 'G2 the debug console of SBI prints what is not RAM',
    source: 'isolation.md G2; XSA-108 (G3)',
    check: 'what is printed lies in RAM',
    edits: [[monitor('sbi.ts'), 'if (!inRam(gate.memory, address, Number(asked)))', 'if (false)']],
    act(kit) {
      const machine = openMachine(kit);
      let died = '';
      for (const [length, low, high] of [
        [16n, 0x1000n, 0n],
        [16n, BigInt(RAM) - 8n, 0n],
        [16n, BigInt(RAM), 1n],
        [1n << 63n, BigInt(RAM), 0n],
        [16n, (1n << 64n) - 8n, 0n],
      ] as const)
        try {
          machine.leave({ reason: 'sbi', extension: DBCN, function: 0n, arguments: [length, low, high] });
          machine.completion();
        } catch (error) {
          died ||= (error as Error).message;
        }
      const bytes = portBytes(machine.take());
      return { effect: died !== '' || bytes > 0, how: died || `${bytes} bytes printed` };
    },
  },
  {
    attack: 'G1 a thousand block requests at once',
    check: 'a disk has a budget of requests',
    edits: [
      [REQUESTS, 'state.leaving === undefined && state.places.length > 0', 'state.leaving === undefined'],
      [REQUESTS, ' || (asks && state.places.length === 0)', ''],
    ],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      for (let i = 0; i < 80; i += 1) disk.read(i % 200);
      const left = disk.requests().length;
      return { effect: left > 32, how: `${left} requests under way` };
    },
  },
  {
    attack: 'G1 a gigabyte of block requests at once',
    check: 'a disk has a budget of requests',
    edits: [
      [REQUESTS, 'state.leaving === undefined && state.places.length > 0', 'state.leaving === undefined'],
      [REQUESTS, ' || (asks && state.places.length === 0)', ''],
    ],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      for (let i = 0; i < 40; i += 1) disk.write(0, filled(1, 256 * 4096));
      const bytes = disk.requests().reduce((sum, request) => sum + request.length, 0);
      const more = openDisk(kit, 'raw');
      for (let i = 0; i < 8; i += 1) more.read(0, 256);
      const asked = more.requests().reduce((sum, request) => sum + request.length, 0);
      return { effect: asked > 2 ** 22, how: `${asked} bytes to read, ${bytes} to write under way` };
    },
  },
  {
    attack: 'G1 a gigabyte of entropy in one request',
    check: 'a request for entropy has a maximum',
    edits: [[gate('rng.ts'), 'Math.min(chain.writableBytes, RANDOM_BYTES_MAX)', 'chain.writableBytes']],
    act(kit) {
      const bench = kit.createGateBench([{ kind: 'rng' }]);
      const device = kit.driver.startDevice(bench.guest, 0, 0n);
      const address = kit.driver.allocate(bench.guest, 32 * 2 ** 20);
      kit.driver.addChain(bench.guest, device.queues[0]!, [{ address, length: 32 * 2 ** 20, writable: true }]);
      bench.guest.bus.ring(0, 0);
      kit.gate.serveDoorbells(bench.gate);
      const length = kit.driver.takeUsed(bench.guest, device.queues[0]!)?.length ?? 0;
      return { effect: length > 65_536, how: `${length} random bytes for one request` };
    },
  },
  {
    attack: 'G1 reads of zeros that keep the monitor',
    check: 'a large read of zeros leaves the monitor a turn in between',
    edits: [[REQUESTS, '(zeroed += step.bytes) > ZEROS_MAX', 'false']],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      // A disk of 32 MiB, all of it discarded, read by one chain.
      const sectors = 32 * 2048;
      Object.assign(disk.state, { sectors });
      const range = new DataView(new ArrayBuffer(16));
      range.setUint32(8, sectors, true);
      const list = kit.room(disk, 16, false);
      kit.driver.put(disk.guest, list.address, new Uint8Array(range.buffer));
      kit.ask(disk, kit.BLOCK_TYPE.discard, 0, list);
      const stored =
        disk
          .read(0, sectors / 8)
          .bytes()
          .lastIndexOf(0) + 1;
      return { effect: stored > 8 * 2 ** 20, how: `${stored} zeros stored for one doorbell` };
    },
  },
  {
    attack: 'G1 a line in the operator’s log for each malformed ring',
    check: 'a machine’s log has a rate',
    edits: [[monitor('limited-log.ts'), 'if (rate.wait() > 0) {', 'if (false) {']],
    act(kit) {
      const machine = openMachine(kit, { devices: [{ kind: 'rng' }] });
      const { guest } = machine;
      const first = guest.free;
      for (let i = 0; i < 300; i += 1) {
        guest.free = first;
        const device = kit.driver.startDevice(guest, 0, 0n, 4);
        kit.driver.addChain(guest, device.queues[0]!, [{ address: 0, length: 16, writable: true }]);
        guest.bus.ring(0, 0);
        machine.monitor.look();
      }
      return { effect: machine.logged.length > 50, how: `${machine.logged.length} lines for 300 malformed rings` };
    },
  },
  {
    attack: 'G1 a doorbell that is rung without end keeps the monitor',
    check: 'a queue is served once over, then others have their turn',
    edits: [[gate('device.ts'), 'served === queue.size ||', 'served === 100_000 ||']],
    act(kit) {
      const bench = kit.createGateBench([{ kind: 'rng' }]);
      const device = kit.driver.startDevice(bench.guest, 0, 0n, 8);
      const queue = device.queues[0]!;
      const address = kit.driver.allocate(bench.guest, 64);
      kit.driver.addChain(bench.guest, queue, [{ address, length: 16, writable: true }]);
      // The guest's other hart makes another chain available whenever the gate takes one.
      let taken = 0;
      const { gate: of } = bench;
      Object.assign(of, {
        random(length: number) {
          taken += 1;
          kit.driver.makeAvailable(bench.guest, queue, 0);
          return new Uint8Array(length);
        },
      });
      bench.guest.bus.ring(0, 0);
      kit.gate.serveDoorbells(of);
      return { effect: taken > 1000, how: `${taken} chains served for one doorbell` };
    },
  },
]);
