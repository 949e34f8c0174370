import { parentPort, workerData } from 'node:worker_threads';
import {
  boardOf,
  exitAndWait,
  putUart,
  readIsr,
  ringDoorbell,
  stopRequested,
  takeAttention,
  waitForAttention,
} from '@cloister/hardware';
import {
  addChain,
  allocate,
  type Buffer,
  createGuest,
  type DriverDevice,
  type DriverQueue,
  FEATURE,
  findDevice,
  get,
  kick,
  put,
  startDevice,
  takeUsed,
} from '../../../../trusted/monitor/src/testing/guest-driver.ts';

// A worker in a hart's place: no instructions, but the virtio drivers of a guest in TypeScript, over the same exits,
// doorbells and interrupts. What it finds it prints on the serial port, a line each.
const { memory: shared } = workerData as { memory: { buffer: SharedArrayBuffer } };
const memory = shared.buffer;
const board = boardOf(memory);
const guest = createGuest(memory, {
  read: (address, size) => exitAndWait(board, 0, { reason: 'mmio-read', address, size })!.value,
  write: (address, size, value) => void exitAndWait(board, 0, { reason: 'mmio-write', address, size, value }),
  ring: (device, queue) => ringDoorbell(board, device, queue),
});
/** Beyond what the slice has placed. */
guest.free = 0x8100_0000;
const RING = FEATURE.indirect | FEATURE.eventIndex;
const text = new TextEncoder();

function print(line: string): void {
  for (const byte of text.encode(`${line}\n`)) while (!putUart(board, byte)) Atomics.wait(board.words, 0, 0, 1);
}

/** Waits, as a driver's interrupt handler would be called, until `found` finds something. */
function waitFor<T>(device: DriverDevice, found: () => T | undefined): T {
  for (;;) {
    const value = found();
    if (value !== undefined) return value;
    waitForAttention(board, 0, 1000);
    takeAttention(board, 0);
    readIsr(board, device.number);
    if (stopRequested(board)) throw new Error('Stopped');
  }
}

function request(device: DriverDevice, queue: DriverQueue, buffers: readonly Buffer[]): number {
  addChain(guest, queue, buffers, buffers.length > 2);
  kick(guest, queue);
  return waitFor(device, () => takeUsed(guest, queue)).length;
}

/** One block request; the data in buffers of 4 KiB, as a page cache has them. Returns the status byte. */
function block(device: DriverDevice, type: number, sector: number, data: number, length: number): number {
  const header = allocate(guest, 16);
  const status = allocate(guest, 1);
  put(guest, status, Uint8Array.of(0xff));
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, type, true);
  view.setUint32(8, sector, true);
  put(guest, header, new Uint8Array(view.buffer));
  const pages: Buffer[] = [];
  for (let at = 0; at < length; at += 4096) {
    const writable = type === 0 || type === 8;
    pages.push({ address: data + at, length: Math.min(4096, length - at), writable });
  }
  request(device, device.queues[0]!, [
    { address: header, length: 16, writable: false },
    ...pages,
    { address: status, length: 1, writable: true },
  ]);
  return get(guest, status, 1)[0]!;
}

const pattern = (length: number, salt: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) + salt) & 0xff);

function useDisk(nth: number): void {
  const device = startDevice(guest, findDevice(guest, 2, nth), RING | (1n << 5n) | (1n << 9n) | (1n << 13n));
  const readOnly = (device.features & (1n << 5n)) !== 0n;
  const sectors = Number(guest.bus.read(device.bar + 0x2000, 4));
  const length = 900 * 1024;
  const data = allocate(guest, length, 4096);
  const written = pattern(length, nth);
  put(guest, data, written);
  const wrote = block(device, 1, 8, data, length);
  const flushed = block(device, 4, 0, 0, 0);
  put(guest, data, new Uint8Array(length));
  const read = block(device, 0, 8, data, length);
  const same = get(guest, data, length).every((byte, i) => byte === written[i]);
  const beyond = block(device, 0, sectors, data, 512);
  const range = new DataView(new ArrayBuffer(16));
  range.setUint32(0, 256, true);
  range.setUint32(8, 256, true);
  put(guest, data, new Uint8Array(range.buffer));
  const discarded = block(device, 11, 0, data, 16);
  block(device, 8, 0, data, 20);
  const id = new TextDecoder().decode(get(guest, data, 20)).replace(/\0+$/, '');
  print(
    `disk ${nth}: ${id} ro=${readOnly} sectors=${sectors} write=${wrote} flush=${flushed} read=${read} same=${same} beyond=${beyond} discard=${discarded}`,
  );
}

function useEntropy(): void {
  const device = startDevice(guest, findDevice(guest, 4), RING);
  const buffer = allocate(guest, 64);
  const length = request(device, device.queues[0]!, [{ address: buffer, length: 64, writable: true }]);
  print(`entropy: ${length} bytes, ${new Set(get(guest, buffer, 64)).size > 20 ? 'random' : 'not random'}`);
}

/** Control events (virtio 1.2 §5.3.6.2). */
const EVENT = { deviceReady: 0, portAdd: 1, portReady: 3, portOpen: 6, portName: 7 } as const;

/** Opens the port with that name and echoes what comes, in capitals, until the host ends it. */
function useConsole(wanted: string): void {
  const device = startDevice(guest, findDevice(guest, 3), RING | 3n);
  const [, , controlIn, controlOut] = device.queues as readonly DriverQueue[];
  const received = allocate(guest, 64 * 64);
  for (let i = 0; i < 64; i += 1) {
    addChain(guest, controlIn!, [{ address: received + 64 * i, length: 64, writable: true }]);
  }
  kick(guest, controlIn!, 64);
  const tell = (port: number, event: number, value: number): void => {
    const message = new DataView(new ArrayBuffer(8));
    message.setUint32(0, port, true);
    message.setUint16(4, event, true);
    message.setUint16(6, value, true);
    const address = allocate(guest, 8);
    put(guest, address, new Uint8Array(message.buffer));
    request(device, controlOut!, [{ address, length: 8, writable: false }]);
  };
  let seen = 0;
  const control = (): { port: number; event: number; value: number; more: string } | undefined => {
    const used = takeUsed(guest, controlIn!);
    if (used === undefined) return undefined;
    const bytes = get(guest, received + 64 * used.head, used.length);
    seen += 1;
    const view = new DataView(bytes.buffer);
    const more = new TextDecoder().decode(bytes.subarray(8));
    return { port: view.getUint32(0, true), event: view.getUint16(4, true), value: view.getUint16(6, true), more };
  };
  tell(0, EVENT.deviceReady, 1);
  let port = -1;
  while (port < 0) {
    const message = waitFor(device, control);
    if (message.event === EVENT.portAdd) tell(message.port, EVENT.portReady, 1);
    else if (message.event === EVENT.portName && message.more === wanted) port = message.port;
  }
  tell(port, EVENT.portOpen, 1);
  const [input, output] = [device.queues[2 * port + 2]!, device.queues[2 * port + 3]!];
  const room = allocate(guest, 4096, 4096);
  addChain(guest, input, [{ address: room, length: 4096, writable: true }]);
  kick(guest, input);
  for (let ended = false; ; ) {
    const used = waitFor(device, () => {
      for (let message = control(); message !== undefined; message = control()) {
        if (message.port === port && message.event === EVENT.portOpen && message.value === 0) ended = true;
      }
      return takeUsed(guest, input) ?? (ended ? { head: -1, length: 0 } : undefined);
    });
    if (used.head < 0) break;
    const echo = text.encode(new TextDecoder().decode(get(guest, room, used.length)).toUpperCase());
    put(guest, room, echo);
    request(device, output, [{ address: room, length: echo.length, writable: false }]);
    addChain(guest, input, [{ address: room, length: 4096, writable: true }]);
    kick(guest, input);
  }
  tell(port, EVENT.portOpen, 0);
  print(`console: port ${port} of ${guest.bus.read(device.bar + 0x2004, 4)} ended, ${seen} control messages`);
}

const SBI_HSM = 0x48534dn;
const SBI_DBCN = 0x4442434en;
const SBI_SUSPEND = 0x53555350n;

function useSbi(): void {
  const call = (extension: bigint, fid: bigint, ...args: bigint[]): string => {
    const answer = exitAndWait(board, 0, { reason: 'sbi', extension, function: fid, arguments: args })!;
    return `${BigInt.asIntN(64, answer.error)}/${answer.value}`;
  };
  const line = text.encode('debug console\n');
  const address = allocate(guest, line.length);
  put(guest, address, line);
  print(
    [
      `status ${call(SBI_HSM, 2n, 0n)}`,
      `no hart ${call(SBI_HSM, 2n, 7n)}`,
      `start ${call(SBI_HSM, 0n, 0n)}`,
      `write ${call(SBI_DBCN, 0n, BigInt(line.length), BigInt(address), 0n)}`,
      `outside ${call(SBI_DBCN, 0n, 16n, 0x1000n, 0n)}`,
      `far outside ${call(SBI_DBCN, 0n, 16n, BigInt(address), 1n)}`,
      `suspend ${call(SBI_SUSPEND, 0n)}`,
    ].join(', '),
  );
}

parentPort!.once('message', (entry) => {
  const { pc } = entry as { readonly pc: number };
  try {
    const program = get(guest, pc + 64, 64);
    const { disks, port, reset } = JSON.parse(new TextDecoder().decode(program).replace(/\0+$/, ''));
    useSbi();
    useEntropy();
    for (let disk = 0; disk < disks; disk += 1) useDisk(disk);
    useConsole(port);
    if (reset) exitAndWait(board, 0, { reason: 'sbi', extension: 0x53525354n, function: 0n, arguments: [1n, 0n] });
    else exitAndWait(board, 0, { reason: 'syscon', value: 0x5555 });
    parentPort!.postMessage({ kind: 'stopped' });
  } catch (error) {
    parentPort!.postMessage(
      stopRequested(board) ? { kind: 'stopped' } : { kind: 'failed', message: String((error as Error).stack) },
    );
  }
});
