import { structureOf } from '../../little-endian.ts';
import { type ConsoleDevice, type Gate, serveChains } from '../device.ts';
import { writeInto } from '../split-ring.ts';
import { CONTROL_INPUT_QUEUE } from './device.ts';

/** Control events (virtio 1.2 §5.3.6.2). */
export const EVENT = {
  deviceReady: 0,
  portAdd: 1,
  portReady: 3,
  consolePort: 4,
  resize: 5,
  portOpen: 6,
  portName: 7,
} as const;

/** Bytes of a control message before what some have more. */
export const MESSAGE_BYTES = 8;
const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * How many messages of an event wait for the driver, at most, for a port: the last size, the last end of the input and
 * what followed it are all that counts, whatever the slice goes on to send.
 */
const LAST: Readonly<Record<number, number>> = { [EVENT.resize]: 1, [EVENT.portOpen]: 2 };

/** Tells the driver something of a port, as soon as it has a buffer for it. */
export function tell(
  gate: Gate,
  device: ConsoleDevice,
  port: number,
  event: number,
  value: number,
  more = NOTHING,
): void {
  const { control } = device.state;
  const message = structureOf(MESSAGE_BYTES + more.length, [
    [0, 4, port],
    [4, 2, event],
    [6, 2, value],
  ]);
  message.set(more, MESSAGE_BYTES);
  const waiting = control.filter((one) => one[0] === port && one[4] === event);
  if (waiting.length >= (LAST[event] ?? Number.POSITIVE_INFINITY)) control.splice(control.indexOf(waiting[0]!), 1);
  control.push(message);
  sendControl(gate, device);
}

/**
 * Tells the driver the size of port 0. The fields are columns, then rows, as the specification has them; Linux before
 * 6.17 reads them the other way round (its `virtio_console` has rows first), so init must not rely on them alone.
 */
export function tellSize(gate: Gate, device: ConsoleDevice): void {
  const { ports, columns, rows } = device.state;
  if (!ports[0]!.ready || columns === 0) return;
  const size = structureOf(4, [
    [0, 2, columns],
    [2, 2, rows],
  ]);
  tell(gate, device, 0, EVENT.resize, 0, size);
}

/** Puts waiting messages into the driver's buffers, one each. */
export function sendControl(gate: Gate, device: ConsoleDevice): void {
  const { control } = device.state;
  serveChains(gate, device, CONTROL_INPUT_QUEUE, {
    isReady: () => control.length > 0,
    serve(chain) {
      const message = control[0]!;
      if (chain.writableBytes < message.length || chain.readable.length > 0)
        return `a control buffer of ${chain.writableBytes} bytes for ${message.length}`;
      control.shift();
      writeInto(gate.memory, chain, 0, message);
      return message.length;
    },
  });
}
