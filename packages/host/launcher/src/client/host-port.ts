import { createPortStream, PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES, type PortMessage } from '@cloister/protocol';
import type { Port } from './virtual-machine.ts';

/** The host's end of a port: what the user of the machine holds, and what its messages do to it. */
export interface HostPort {
  readonly port: Port;
  hear(message: PortMessage): void;
  /** What lies between here and the machine was replaced. */
  resend(): void;
  /** The machine is gone: writes that wait are given up. */
  abandon(): void;
}

/** @param send towards the guest */
export function createHostPort(number: number, send: (message: PortMessage) => void): HostPort {
  const stream = createPortStream(number, send);
  let room = PORT_WINDOW_BYTES;
  let gone = false;
  let tail: Promise<void> = Promise.resolve();
  let wake: (() => void) | undefined;
  /** What came before there was a listener: no more than the port's window, whatever the slice sends. */
  let early: Uint8Array[] = [];
  let earlyBytes = 0;
  let onData: Port['onData'];

  const deliver = (bytes: Uint8Array): void => {
    onData?.(bytes);
    stream.send({ kind: 'port.taken', port: number, count: bytes.length });
  };
  const writeAll = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length && !gone; ) {
      if (room === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      // The stream keeps it until it is taken; the caller may use its bytes again.
      const part = bytes.slice(at, at + Math.min(room, PORT_DATA_BYTES_MAX));
      room -= part.length;
      at += part.length;
      stream.send({ kind: 'port.data', port: number, bytes: part });
    }
  };
  const port: Port = {
    get onData() {
      return onData;
    },
    set onData(listener) {
      onData = listener;
      if (listener === undefined) return;
      const waiting = early;
      early = [];
      earlyBytes = 0;
      for (const bytes of waiting) deliver(bytes);
    },
    onClose: undefined,
    write(bytes) {
      tail = tail.then(() => writeAll(bytes));
      return tail;
    },
    end() {
      tail = tail.then(() => {
        if (!gone) stream.send({ kind: 'port.open', port: number, open: false });
      });
    },
    reopen() {
      tail = tail.then(() => {
        if (!gone) stream.send({ kind: 'port.open', port: number, open: true });
      });
    },
  };
  return {
    port,
    resend: () => stream.resend(),
    hear(message) {
      const event = stream.receive(message);
      switch (event?.kind) {
        case 'port.data':
          if (onData !== undefined) deliver(event.bytes);
          else if (event.bytes.length > 0 && earlyBytes + event.bytes.length <= PORT_WINDOW_BYTES) {
            early.push(event.bytes);
            earlyBytes += event.bytes.length;
          }
          break;
        case 'port.taken':
          room = Math.min(room + event.count, PORT_WINDOW_BYTES);
          wake?.();
          wake = undefined;
          break;
        case 'port.open':
          if (!event.open) port.onClose?.();
          break;
      }
    },
    abandon() {
      gone = true;
      wake?.();
    },
  };
}
