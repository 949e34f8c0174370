import { ringDoorbell } from '@cloister/hardware';
import { type ConsoleDevice, type Gate, liveQueue, nextChain, notifyUsed, stopDevice } from '../device.ts';
import { readFrom, returnChain, writeInto } from '../split-ring.ts';
import { CONTROL_INPUT_QUEUE, CONTROL_OUTPUT_QUEUE, type ConsoleState } from './device.ts';

/** Control events (virtio 1.2 §5.3.6.2). */
const EVENT = {
  deviceReady: 0,
  portAdd: 1,
  portReady: 3,
  consolePort: 4,
  resize: 5,
  portOpen: 6,
  portName: 7,
} as const;

const MESSAGE_BYTES = 8;

/** Control messages that may wait for the driver; while there are so many, what the driver sends waits too. */
const CONTROL_MAX = 64;

/** What the driver said of a port: its end was opened or closed. */
export type PortOpened = (port: number, open: boolean) => void;

/** Takes the driver's control messages and sends it ours. */
export function serveControl(gate: Gate, device: ConsoleDevice, opened: PortOpened): void {
  sendControl(gate, device);
  const queue = liveQueue(device, CONTROL_OUTPUT_QUEUE);
  if (queue === undefined) return;
  for (let served = 0; device.state.control.length < CONTROL_MAX; served += 1) {
    if (served === queue.size) {
      ringDoorbell(gate.board, device.number, CONTROL_OUTPUT_QUEUE);
      break;
    }
    const chain = nextChain(gate, device, queue);
    if (chain === undefined) break;
    if (chain.readableBytes < MESSAGE_BYTES || chain.writable.length > 0) {
      stopDevice(gate, device, `a control message of ${chain.readableBytes} bytes`);
      return;
    }
    const message = new DataView(readFrom(gate.memory, chain, 0, new Uint8Array(MESSAGE_BYTES)).buffer);
    returnChain(gate.memory, queue, chain, 0);
    act(device.state, message.getUint32(0, true), message.getUint16(4, true), message.getUint16(6, true), opened);
    sendControl(gate, device);
  }
  notifyUsed(gate, device, queue);
}

function act(state: ConsoleState, id: number, event: number, value: number, opened: PortOpened): void {
  if (event === EVENT.deviceReady) {
    if (value !== 1 || state.announced) return;
    state.announced = true;
    for (let port = 0; port < state.ports.length; port += 1) queueControl(state, port, EVENT.portAdd, 1);
    return;
  }
  const port = state.ports[id];
  if (port === undefined) return;
  if (event === EVENT.portReady && value === 1) {
    port.ready = true;
    if (port.name === undefined) queueControl(state, id, EVENT.consolePort, 1);
    else queueControl(state, id, EVENT.portName, 1, new TextEncoder().encode(port.name));
    queueControl(state, id, EVENT.portOpen, 1);
    if (id === 0) queueResize(state);
  } else if (event === EVENT.portOpen) opened(id, value !== 0);
}

function queueControl(state: ConsoleState, port: number, event: number, value: number, more?: Uint8Array): void {
  const message = new Uint8Array(MESSAGE_BYTES + (more?.length ?? 0));
  const view = new DataView(message.buffer);
  view.setUint32(0, port, true);
  view.setUint16(4, event, true);
  view.setUint16(6, value, true);
  if (more !== undefined) message.set(more, MESSAGE_BYTES);
  state.control.push(message);
}

/** Tells the driver that the host's end of a port has closed, after the input that it was given before, or opened again. */
export function tellOpen(gate: Gate, device: ConsoleDevice, port: number, open: boolean): void {
  const { control } = device.state;
  // The last end of the input and what followed it are all that counts, whatever the slice goes on to send.
  const waiting = control.filter((message) => message[0] === port && message[4] === EVENT.portOpen);
  if (waiting.length >= 2) control.splice(control.indexOf(waiting[0]!), 1);
  queueControl(device.state, port, EVENT.portOpen, open ? 1 : 0);
  sendControl(gate, device);
}

/**
 * Tells the driver the size of port 0. The fields are columns, then rows, as the specification has them; Linux before
 * 6.17 reads them the other way round (its `virtio_console` has rows first), so init must not rely on them alone.
 */
export function tellSize(gate: Gate, device: ConsoleDevice): void {
  if (!device.state.ports[0]!.ready) return;
  queueResize(device.state);
  sendControl(gate, device);
}

function queueResize(state: ConsoleState): void {
  if (state.columns === 0) return;
  const size = new DataView(new ArrayBuffer(4));
  size.setUint16(0, state.columns, true);
  size.setUint16(2, state.rows, true);
  // Only the last size counts, so one message waits at the most.
  const waiting = state.control.findIndex((message) => message[4] === EVENT.resize);
  if (waiting >= 0) state.control.splice(waiting, 1);
  queueControl(state, 0, EVENT.resize, 0, new Uint8Array(size.buffer));
}

/** Puts waiting messages into the driver's buffers, one each. */
function sendControl(gate: Gate, device: ConsoleDevice): void {
  const queue = liveQueue(device, CONTROL_INPUT_QUEUE);
  if (queue === undefined) return;
  const { control } = device.state;
  for (let message = control[0]; message !== undefined; message = control[0]) {
    const chain = nextChain(gate, device, queue);
    if (chain === undefined) break;
    if (chain.writableBytes < message.length || chain.readable.length > 0) {
      stopDevice(gate, device, `a control buffer of ${chain.writableBytes} bytes for ${message.length}`);
      return;
    }
    control.shift();
    writeInto(gate.memory, chain, 0, message);
    returnChain(gate.memory, queue, chain, message.length);
  }
  notifyUsed(gate, device, queue);
}
