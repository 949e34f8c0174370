import type { PortEvent } from '@cloister/protocol';
import { numberAt } from '../../little-endian.ts';
import { hearHost, sendOutput, takeInput, tellTaken } from '../../port-end.ts';
import { type ConsoleDevice, type Gate, notifyConfigChanged, serveChains } from '../device.ts';
import { readFrom, returnChain, writeInto } from '../split-ring.ts';
import { EVENT, MESSAGE_BYTES, sendControl, tell, tellSize } from './control.ts';
import {
  CONTROL_INPUT_QUEUE,
  CONTROL_OUTPUT_QUEUE,
  inputQueue,
  outputQueue,
  type PortState,
  portOfQueue,
} from './device.ts';

/** Control messages that may wait for the driver; while there are so many, what the driver sends waits too. */
const CONTROL_MAX = 64;

export function serveConsole(gate: Gate, device: ConsoleDevice, queue: number): void {
  const port = device.state.ports[portOfQueue(queue)]!;
  if (queue === CONTROL_INPUT_QUEUE || queue === CONTROL_OUTPUT_QUEUE) {
    sendControl(gate, device);
    takeControl(gate, device);
  } else if (queue === outputQueue(port.number)) takeOutput(gate, device, port);
  else giveInput(gate, device, port);
}

/** A message from the slice for one of the device's ports. */
export function portMessage(gate: Gate, device: ConsoleDevice, message: PortEvent): void {
  const port = device.state.ports[message.port];
  if (port === undefined) {
    gate.log(`The slice named port ${message.port}, which the console does not have`);
    return;
  }
  if (!hearHost(port, message))
    gate.log(`The slice sent input for port ${message.port} beyond its window; it is dropped`);
  if (message.kind === 'port.open') hostOpened(gate, device, port, message.open);
  takeOutput(gate, device, port);
  giveInput(gate, device, port);
}

function hostOpened(gate: Gate, device: ConsoleDevice, port: PortState, open: boolean): void {
  port.inputEnded = !open;
  if (!open) return;
  port.endTold = false;
  // What nobody read before belonged to what has ended.
  const unread = takeInput(port, ({ length }) => length);
  tellTaken(port, unread, gate.send);
  if (port.ready) tell(gate, device, port.number, EVENT.portOpen, 1);
}

export function resizeConsole(gate: Gate, device: ConsoleDevice, columns: number, rows: number): void {
  Object.assign(device.state, { columns, rows });
  notifyConfigChanged(gate, device);
  tellSize(gate, device);
}

/** Takes the driver's control messages. */
function takeControl(gate: Gate, device: ConsoleDevice): void {
  serveChains(gate, device, CONTROL_OUTPUT_QUEUE, {
    isReady: () => device.state.control.length < CONTROL_MAX,
    serve(chain) {
      if (chain.readableBytes < MESSAGE_BYTES || chain.writable.length > 0)
        return `a control message of ${chain.readableBytes} bytes`;
      const message = readFrom(gate.memory, chain, 0, new Uint8Array(MESSAGE_BYTES));
      driverSaid(gate, device, numberAt(message, 0, 4), numberAt(message, 4, 2), numberAt(message, 6, 2));
      return 0;
    },
  });
}

function driverSaid(gate: Gate, device: ConsoleDevice, id: number, event: number, value: number): void {
  const { state } = device;
  if (event === EVENT.deviceReady) {
    if (value !== 1 || state.announced) return;
    state.announced = true;
    for (const { number } of state.ports) tell(gate, device, number, EVENT.portAdd, 1);
    return;
  }
  const port = state.ports[id];
  if (port === undefined) return;
  if (event === EVENT.portReady && value === 1) {
    port.ready = true;
    if (port.name === undefined) tell(gate, device, id, EVENT.consolePort, 1);
    else tell(gate, device, id, EVENT.portName, 1, new TextEncoder().encode(port.name));
    tell(gate, device, id, EVENT.portOpen, 1);
    if (id === 0) tellSize(gate, device);
  } else if (event === EVENT.portOpen && port.guestOpen !== (value !== 0)) guestOpened(gate, device, port);
}

/** The guest opened or closed the port. The host hears of a close after all that the guest had written before it. */
function guestOpened(gate: Gate, device: ConsoleDevice, port: PortState): void {
  port.guestOpen = !port.guestOpen;
  if (port.guestOpen) {
    if (!port.closing) gate.send({ kind: 'port.open', port: port.number, open: true });
    giveInput(gate, device, port);
  } else if (!port.closing) {
    port.closing = true;
    takeOutput(gate, device, port);
  }
}

/** Sends what the guest wrote, as far as the host has room; the rest waits in the guest's ring. */
function takeOutput(gate: Gate, device: ConsoleDevice, port: PortState): void {
  const isEmpty = serveChains(gate, device, outputQueue(port.number), {
    isReady(queue) {
      const { leaving } = port;
      if (leaving === undefined) return true;
      const { chain, offset } = leaving;
      const count = Math.min(chain.readableBytes - offset, port.room);
      sendOutput(port, readFrom(gate.memory, chain, offset, new Uint8Array(count)), gate.send);
      leaving.offset += count;
      if (leaving.offset < chain.readableBytes) return false;
      returnChain(gate.memory, queue, chain, 0);
      port.leaving = undefined;
      return true;
    },
    serve(chain) {
      if (chain.writable.length > 0) return 'a buffer to write in an output queue';
      port.leaving = { chain, offset: 0 };
      return undefined;
    },
  });
  if (!isEmpty || !port.closing) return;
  port.closing = false;
  gate.send({ kind: 'port.open', port: port.number, open: false });
  // It was opened again meanwhile.
  if (port.guestOpen) gate.send({ kind: 'port.open', port: port.number, open: true });
}

/** Stores input into the driver's buffers once someone in the guest has the port open. */
function giveInput(gate: Gate, device: ConsoleDevice, port: PortState): void {
  if (!port.guestOpen) return;
  let given = 0;
  serveChains(gate, device, inputQueue(port.number), {
    isReady: () => port.input.length > 0,
    serve(chain) {
      if (chain.readable.length > 0 || chain.writableBytes === 0)
        return 'a chain in an input queue must have room and nothing to read';
      let stored = 0;
      given += takeInput(port, (piece) => {
        const bytes = piece.subarray(0, chain.writableBytes - stored);
        writeInto(gate.memory, chain, stored, bytes);
        stored += bytes.length;
        return bytes.length;
      });
      return stored;
    },
  });
  tellTaken(port, given, gate.send);
  if (port.input.length === 0 && port.inputEnded && !port.endTold && port.number !== 0) {
    port.endTold = true;
    tell(gate, device, port.number, EVENT.portOpen, 0);
  }
}
