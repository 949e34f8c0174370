import { ringDoorbell } from '@cloister/hardware';
import { PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES, type PortEvent } from '@cloister/protocol';
import {
  type ConsoleDevice,
  type Gate,
  liveQueue,
  nextChain,
  notifyConfigChanged,
  notifyUsed,
  stopDevice,
} from '../device.ts';
import { readFrom, returnChain, writeInto } from '../split-ring.ts';
import { serveControl, tellOpen, tellSize } from './control.ts';
import { CONTROL_INPUT_QUEUE, CONTROL_OUTPUT_QUEUE, inputQueue, outputQueue, portOfQueue } from './device.ts';

export function serveConsole(gate: Gate, device: ConsoleDevice, queue: number): void {
  if (queue === CONTROL_INPUT_QUEUE || queue === CONTROL_OUTPUT_QUEUE) {
    serveControl(gate, device, (port, open) => guestOpened(gate, device, port, open));
  } else if (queue === outputQueue(portOfQueue(queue))) takeOutput(gate, device, portOfQueue(queue));
  else giveInput(gate, device, portOfQueue(queue));
}

/** A message from the slice for one of the device's ports. */
export function portMessage(gate: Gate, device: ConsoleDevice, message: PortEvent): void {
  const port = device.state.ports[message.port];
  if (port === undefined) {
    gate.log(`The slice named port ${message.port}, which the console does not have`);
    return;
  }
  switch (message.kind) {
    case 'port.data':
      if (port.inputBytes + message.bytes.length > PORT_WINDOW_BYTES) {
        gate.log(`The slice sent input for port ${message.port} beyond its window; it is dropped`);
        return;
      }
      if (message.bytes.length === 0) return;
      port.input.push(message.bytes);
      port.inputBytes += message.bytes.length;
      giveInput(gate, device, message.port);
      break;
    case 'port.taken':
      port.room = Math.min(port.room + message.count, PORT_WINDOW_BYTES);
      takeOutput(gate, device, message.port);
      break;
    case 'port.open':
      port.inputEnded = !message.open;
      if (message.open) {
        port.endTold = false;
        // What nobody read before belonged to what has ended.
        if (port.inputBytes > 0) gate.send({ kind: 'port.taken', port: message.port, count: port.inputBytes });
        port.input.length = 0;
        port.inputBytes = 0;
        if (port.ready) tellOpen(gate, device, message.port, true);
      }
      giveInput(gate, device, message.port);
      break;
  }
}

export function resizeConsole(gate: Gate, device: ConsoleDevice, columns: number, rows: number): void {
  Object.assign(device.state, { columns, rows });
  notifyConfigChanged(gate, device);
  tellSize(gate, device);
}

/** The host hears of a close after all that the guest had written before it. */
function guestOpened(gate: Gate, device: ConsoleDevice, number: number, open: boolean): void {
  const port = device.state.ports[number]!;
  if (open && !port.guestOpen) {
    port.guestOpen = true;
    if (port.closing) port.reopened = true;
    else gate.send({ kind: 'port.open', port: number, open: true });
    giveInput(gate, device, number);
  } else if (!open && port.guestOpen) {
    port.guestOpen = false;
    if (port.closing) port.reopened = false;
    else {
      port.closing = true;
      takeOutput(gate, device, number);
    }
  }
}

/** Sends what the guest wrote, as far as the host has room; the rest waits in the guest's ring. */
function takeOutput(gate: Gate, device: ConsoleDevice, number: number): void {
  const port = device.state.ports[number]!;
  const queue = liveQueue(device, outputQueue(number));
  if (queue === undefined) return;
  for (let served = 0; ; ) {
    if (port.leaving === undefined) {
      if (served === queue.size) {
        ringDoorbell(gate.board, device.number, outputQueue(number));
        break;
      }
      const chain = nextChain(gate, device, queue);
      if (chain === undefined) {
        finishClose(gate, device, number);
        break;
      }
      if (chain.writable.length > 0) {
        stopDevice(gate, device, 'a buffer to write in an output queue');
        return;
      }
      port.leaving = { chain, offset: 0 };
      served += 1;
    }
    const { leaving } = port;
    while (leaving.offset < leaving.chain.readableBytes && port.room > 0) {
      const count = Math.min(leaving.chain.readableBytes - leaving.offset, port.room, PORT_DATA_BYTES_MAX);
      const bytes = readFrom(gate.memory, leaving.chain, leaving.offset, new Uint8Array(count));
      leaving.offset += count;
      port.room -= count;
      gate.send({ kind: 'port.data', port: number, bytes });
    }
    if (leaving.offset < leaving.chain.readableBytes) break;
    returnChain(gate.memory, queue, leaving.chain, 0);
    port.leaving = undefined;
  }
  notifyUsed(gate, device, queue);
}

function finishClose(gate: Gate, device: ConsoleDevice, number: number): void {
  const port = device.state.ports[number]!;
  if (!port.closing) return;
  gate.send({ kind: 'port.open', port: number, open: false });
  if (port.reopened) gate.send({ kind: 'port.open', port: number, open: true });
  port.closing = false;
  port.reopened = false;
}

/** Stores input into the driver's buffers once someone in the guest has the port open. */
function giveInput(gate: Gate, device: ConsoleDevice, number: number): void {
  const port = device.state.ports[number]!;
  const queue = liveQueue(device, inputQueue(number));
  if (queue === undefined || !port.guestOpen) return;
  let given = 0;
  while (port.input.length > 0) {
    const chain = nextChain(gate, device, queue);
    if (chain === undefined) break;
    if (chain.readable.length > 0 || chain.writableBytes === 0) {
      stopDevice(gate, device, 'a chain in an input queue must have room and nothing to read');
      return;
    }
    let stored = 0;
    for (let next = port.input[0]; next !== undefined && stored < chain.writableBytes; next = port.input[0]) {
      const bytes = next.subarray(0, chain.writableBytes - stored);
      writeInto(gate.memory, chain, stored, bytes);
      stored += bytes.length;
      if (bytes.length === next.length) port.input.shift();
      else port.input[0] = next.subarray(bytes.length);
    }
    returnChain(gate.memory, queue, chain, stored);
    given += stored;
  }
  port.inputBytes -= given;
  if (given > 0) gate.send({ kind: 'port.taken', port: number, count: given });
  notifyUsed(gate, device, queue);
  if (port.input.length === 0 && port.inputEnded && !port.endTold && number !== 0) {
    port.endTold = true;
    tellOpen(gate, device, number, false);
  }
}
