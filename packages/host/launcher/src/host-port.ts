import { PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES, type PortMessage } from '@cloister/protocol';
import type { Port } from './virtual-machine.ts';

/** The host's end of a port: what the user of the machine holds, and what its messages do to it. */
export interface HostPort {
  readonly port: Port;
  hear(message: PortMessage): void;
  /** The machine is gone: writes that wait are given up. */
  abandon(): void;
}

/** @param send towards the guest */
export function createHostPort(number: number, send: (message: PortMessage) => void): HostPort {
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
    send({ kind: 'port.taken', port: number, count: bytes.length });
  };
  const writeAll = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length && !gone; ) {
      if (room === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const part = bytes.subarray(at, at + Math.min(room, PORT_DATA_BYTES_MAX));
      room -= part.length;
      at += part.length;
      send({ kind: 'port.data', port: number, bytes: part });
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
        if (!gone) send({ kind: 'port.open', port: number, open: false });
      });
    },
    reopen() {
      tail = tail.then(() => {
        if (!gone) send({ kind: 'port.open', port: number, open: true });
      });
    },
  };
  return {
    port,
    hear(message) {
      switch (message.kind) {
        case 'port.data':
          if (onData !== undefined) deliver(message.bytes);
          else if (message.bytes.length > 0 && earlyBytes + message.bytes.length <= PORT_WINDOW_BYTES) {
            early.push(message.bytes);
            earlyBytes += message.bytes.length;
          }
          break;
        case 'port.taken':
          room = Math.min(room + message.count, PORT_WINDOW_BYTES);
          wake?.();
          wake = undefined;
          break;
        case 'port.open':
          if (!message.open) port.onClose?.();
          break;
      }
    },
    abandon() {
      gone = true;
      wake?.();
    },
  };
}
