import { createPortStream, type PortEvent, type PortMessage, SERIAL_PORT } from '@cloister/protocol';

/**
 * The machine's ports as messages: the serial port and those of the virtio console.
 * @param count ports of the virtio console
 */
export function createPorts(count: number, send: (message: PortMessage) => void) {
  const numbers = [...Array(count).keys(), SERIAL_PORT];
  const streams = new Map(numbers.map((port) => [port, createPortStream(port, send)]));
  return {
    /** To the far end of a port. */
    send: (event: PortEvent): void => streams.get(event.port)?.send(event),
    /** A message of the slice's; undefined when it means nothing here. */
    receive: (message: PortMessage): PortEvent | undefined => streams.get(message.port)?.receive(message),
    /** The slice is another one: all that the far ends may not have heard is said again. */
    resend: (): void => streams.forEach((stream) => void stream.resend()),
  };
}
export type Ports = ReturnType<typeof createPorts>;
