import { openDisk } from '../bench/disk.ts';
import { openMachine } from '../bench/machine.ts';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { gate, launcher, monitor, protocol } from '../bench/sources.ts';

const WINDOW = 256 * 1024;

const COMMON = { from: 'slice', target: 'its machine’s memory', source: 'issue 5 §7, judged point 2' };

const bytesIn = (value: unknown, seen = new Set<unknown>()): number => {
  if (value === null || typeof value !== 'object' || seen.has(value)) return 0;
  seen.add(value);
  if (value instanceof Uint8Array) return value.length;
  const parts = value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : Object.values(value);
  return parts.reduce((sum: number, part) => sum + bytesIn(part, seen), 0);
};

const WINDOW_OF_INPUT = [
  monitor('port-end.ts'),
  'if (port.inputBytes + event.bytes.length > PORT_WINDOW_BYTES) return false;',
  '',
] as const;
const LAST_MESSAGES = [
  gate('console/control.ts'),
  'if (waiting.length >= (LAST[event] ?? Number.POSITIVE_INFINITY))',
  'if (false)',
] as const;

/** A slice that never stops talking, or never listens. */
export const SLICE_FLOODS = benchAttacks(COMMON, [
  {
    attack: 'S1 console input beyond its window',
    check: 'a port holds no more than its window',
    edits: [WINDOW_OF_INPUT],
    act(kit) {
      const bench = kit.createGateBench([{ kind: 'console', names: [] }]);
      for (let i = 0; i < 100; i += 1)
        kit.gate.gatePortMessage(bench.gate, { kind: 'port.data', port: 0, bytes: new Uint8Array(32 * 1024) });
      const held = bytesIn((bench.gate.devices[0] as { state: unknown }).state);
      return { effect: held > 2 * WINDOW, how: `${held} bytes are held` };
    },
  },
  {
    attack: 'S1 serial input beyond its window',
    check: 'the serial port holds no more than its window',
    edits: [WINDOW_OF_INPUT],
    act(kit) {
      const machine = openMachine(kit);
      const kept: Uint8Array[] = [];
      for (let position = 0; position < 100; position += 1) {
        const bytes = new Uint8Array(32 * 1024);
        kept.push(bytes);
        machine.say({ kind: 'port.data', port: 0xffff, position: position * bytes.length, bytes });
      }
      // What the monitor holds, it gives to the guest as soon as that reads.
      let given = 0;
      for (let count = readUart(kit, machine); count > 0; count = readUart(kit, machine)) {
        given += count;
        machine.monitor.look();
      }
      return { effect: given > 2 * WINDOW, how: `${given} of ${kept.length * 32 * 1024} bytes were held` };
    },
  },
  {
    attack: 'S1 a port is opened and closed without end',
    check: 'only the last end of the input waits',
    edits: [LAST_MESSAGES],
    act(kit) {
      const bench = kit.createGateBench([{ kind: 'console', names: ['a'] }]);
      const state = (bench.gate.devices[0] as unknown as { state: { control: unknown[]; ports: { ready: boolean }[] } })
        .state;
      state.ports[1]!.ready = true;
      for (let i = 0; i < 2000; i += 1)
        kit.gate.gatePortMessage(bench.gate, { kind: 'port.open', port: 1, open: true });
      return { effect: state.control.length > 100, how: `${state.control.length} control messages wait` };
    },
  },
  {
    attack: 'S1 the terminal is resized without end',
    check: 'one size waits at the most',
    edits: [LAST_MESSAGES],
    act(kit) {
      const bench = kit.createGateBench([{ kind: 'console', names: [] }]);
      const state = (bench.gate.devices[0] as unknown as { state: { control: unknown[]; ports: { ready: boolean }[] } })
        .state;
      state.ports[0]!.ready = true;
      for (let i = 1; i < 2000; i += 1) kit.gate.gateResize(bench.gate, i, i);
      return { effect: state.control.length > 100, how: `${state.control.length} control messages wait` };
    },
  },
  {
    attack: 'S1 calls whose answers the slice never takes',
    check: 'a slice that takes no answers is cut off',
    edits: [[monitor('monitor.ts'), 'channel.queuedBytes > WAITING_BYTES_MAX', 'false']],
    act(kit) {
      const machine = openMachine(kit);
      machine.state.queuedBytes = 65 * 2 ** 20;
      for (let i = 0; i < 1000; i += 1) machine.say({ kind: 'launch.measure' });
      const answers = machine.take().length;
      return { effect: answers > 0, how: `${answers} more answers wait beside 65 MiB` };
    },
  },
  {
    attack: 'S1 everything is asked for again and again',
    check: 'a slice that takes no answers is cut off',
    edits: [[monitor('monitor.ts'), 'channel.queuedBytes > WAITING_BYTES_MAX', 'false']],
    act(kit) {
      const machine = openMachine(kit, {
        devices: [{ kind: 'block', sectors: 64, readOnly: false, backing: { kind: 'raw', store: 0 } }],
      });
      const { guest } = machine;
      const device = kit.driver.startDevice(guest, 0, 0n, 8);
      const at = kit.driver.allocate(guest, 16);
      guest.view.setUint32(at - 0x8000_0000, 1, true);
      kit.driver.addChain(guest, device.queues[0]!, [
        { address: at, length: 16, writable: false },
        { address: kit.driver.allocate(guest, 16384), length: 16384, writable: false },
        { address: kit.driver.allocate(guest, 1), length: 1, writable: true },
      ]);
      guest.bus.ring(0, 0);
      machine.monitor.look();
      machine.take();
      machine.state.queuedBytes = 65 * 2 ** 20;
      for (let i = 0; i < 1000; i += 1) machine.say({ kind: 'block.resend', round: i });
      const answers = machine.take().length;
      return { effect: answers > 0, how: `1000 messages made ${answers} more wait beside 65 MiB` };
    },
  },
  {
    attack: 'S1 a line in the operator’s log for each refused call',
    target: 'the host’s disk',
    check: 'a machine’s log has a rate',
    edits: [[monitor('limited-log.ts'), 'if (rate.wait() > 0) {', 'if (false) {']],
    act(kit) {
      const machine = openMachine(kit);
      for (let i = 0; i < 5000; i += 1) machine.say({ kind: 'fence.vma', hart: 3 });
      return { effect: machine.logged.length > 100, how: `${machine.logged.length} lines for 5000 refused calls` };
    },
  },
  {
    attack: 'S1 a line in the operator’s log for each wrong answer on a disk',
    target: 'the host’s disk',
    check: 'wrong answers are told of ever more rarely',
    edits: [[gate('block/requests.ts'), 'if (Number.isInteger(Math.log2(state.complaints)))', '']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      for (let i = 0; i < 5000; i += 1) disk.reply({ kind: 'block.reply', store: 0, at: i, ok: true });
      return { effect: disk.logged.length > 100, how: `${disk.logged.length} lines for 5000 wrong answers` };
    },
  },
  {
    attack: 'S1 output for a client that does not listen yet',
    target: 'its client’s memory',
    check: 'a port holds no more than its window',
    edits: [
      [
        launcher('client/host-port.ts'),
        'event.bytes.length > 0 && earlyBytes + event.bytes.length <= PORT_WINDOW_BYTES',
        'true',
      ],
    ],
    act(kit) {
      const { port, hear } = kit.createHostPort(0, () => undefined);
      for (let i = 0; i < 100; i += 1)
        hear({ kind: 'port.data', port: 0, position: i * 32_768, bytes: new Uint8Array(32_768) });
      let held = 0;
      port.onData = (bytes) => (held += bytes.length);
      return { effect: held > 2 * WINDOW, how: `${held} bytes were held` };
    },
  },
  {
    attack: 'S1 console bytes are given twice to the guest',
    target: 'its guest’s input',
    source: 'issue 5 §8; isolation.md F (message dup)',
    check: 'a position is taken once',
    edits: [
      [
        protocol('device/port-stream.ts'),
        'position > received || position + lengthOf(message) <= received',
        'position > received',
      ],
      [protocol('device/port-stream.ts'), 'message.bytes.subarray(received - position)', 'message.bytes'],
    ],
    act(kit) {
      const machine = openMachine(kit);
      const bytes = new TextEncoder().encode('rm -r x\n');
      for (let i = 0; i < 2; i += 1) machine.say({ kind: 'port.data', port: 0xffff, position: 0, bytes });
      // With the second one's bytes the guest's UART would have more than what was said.
      const given = readUart(kit, machine);
      return { effect: given > bytes.length, how: `the guest has ${given} bytes of ${bytes.length}` };
    },
  },
]);

/** The guest reads what its UART has: how many bytes. */
function readUart(kit: Kit, machine: ReturnType<typeof openMachine>): number {
  let count = 0;
  for (; kit.hardware.uartInputWaiting(machine.board); count += 1) kit.hardware.getUart(machine.board);
  return count;
}
