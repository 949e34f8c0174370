import { createPortStream, type PortEvent, type PortMessage, type PortStream, SERIAL_PORT } from '@cloister/protocol';

/** The machine's ends of its ports: the serial port and those of the virtio console. */
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
  const streams = new Map<number, PortStream>();
  for (let port = 0; port < count; port += 1) streams.set(port, createPortStream(port, send));
  streams.set(SERIAL_PORT, createPortStream(SERIAL_PORT, send));
  return {
    send: (event) => streams.get(event.port)?.send(event),
    receive: (message) => streams.get(message.port)?.receive(message),
    resend() {
      for (const stream of streams.values()) stream.resend();
    },
  };
}
