import { createPortStream, type PortEvent, type PortMessage, SERIAL_PORT } from '@cloister/protocol';

/** The machine's ports as messages: the serial port and those of the virtio console. */
export interface Ports {
  /** To the far end of a port. */
  send(event: PortEvent): void;
  /** A message of the slice's; undefined when it means nothing here. */
  receive(message: PortMessage): PortEvent | undefined;
  /** The slice is another one: all that the far ends may not have heard is said again. */
  resend(): void;
}

/** @param count ports of the virtio console */
export function createPorts(count: number, send: (message: PortMessage) => void): Ports {
  const numbers = [...Array(count).keys(), SERIAL_PORT];
  const streams = new Map(numbers.map((port) => [port, createPortStream(port, send)]));
  return {
    send: (event) => streams.get(event.port)?.send(event),
    receive: (message) => streams.get(message.port)?.receive(message),
    resend: () => streams.forEach((stream) => void stream.resend()),
  };
}
