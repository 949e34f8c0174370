import type { PortEvent, PortMessage } from './console.ts';

/**
 * One end of a port: numbers what it sends and keeps it until the far end has taken it, and takes what comes once. So a
 * relay in between may be replaced at any moment; both ends then `resend`.
 */
export interface PortStream {
  send(event: PortEvent): void;
  /** What the message means here, or undefined: it came before, or its predecessor never did. */
  receive(message: PortMessage): PortEvent | undefined;
  /** Says again what the far end may not have heard. */
  resend(): void;
}

/** Opens and closes that wait to be taken; while there are so many, only the last state is remembered. */
const MARKS_MAX = 64;

export function createPortStream(port: number, send: (message: PortMessage) => void): PortStream {
  /** Sent and not taken, in order. */
  const kept: Exclude<PortMessage, { kind: 'port.taken' }>[] = [];
  let next = 0;
  let marks = 0;
  let stated: boolean | undefined;
  let wanted: boolean | undefined;
  /** Positions before it have come, and have been taken here; marks that lie between the two. */
  let received = 0;
  let taken = 0;
  const marksHere: number[] = [];

  const push = (message: (typeof kept)[number]): void => {
    kept.push(message);
    next += lengthOf(message);
    send(message);
  };
  const state = (open: boolean): void => {
    wanted = open;
    if (marks >= MARKS_MAX) return;
    marks += 1;
    stated = open;
    push({ kind: 'port.open', port, position: next, open });
  };
  const passMarks = (): void => {
    while (marksHere[0] === taken) {
      marksHere.shift();
      taken += 1;
    }
  };
  const release = (before: number): number => {
    let bytes = 0;
    for (let first = kept[0]; first !== undefined && first.position < before; first = kept[0]) {
      const end = Math.min(first.position + lengthOf(first), before);
      if (first.kind === 'port.open') marks -= 1;
      else bytes += end - first.position;
      if (first.kind === 'port.data' && end < first.position + first.bytes.length)
        kept[0] = { ...first, position: end, bytes: first.bytes.subarray(end - first.position) };
      else kept.shift();
    }
    return bytes;
  };

  return {
    send(event) {
      if (event.kind === 'port.open') state(event.open);
      else if (event.kind === 'port.data') {
        if (event.bytes.length > 0) push({ kind: 'port.data', port, position: next, bytes: event.bytes });
      } else {
        // Between the bytes that are taken lie marks, which are taken with them.
        let bytes = Math.min(event.count, received - taken - marksHere.length);
        while (bytes > 0) {
          const step = Math.min(bytes, (marksHere[0] ?? Number.POSITIVE_INFINITY) - taken);
          taken += step;
          bytes -= step;
          passMarks();
        }
        send({ kind: 'port.taken', port, position: taken });
      }
    },
    receive(message) {
      if (message.kind === 'port.taken') {
        if (message.position > next) return undefined;
        const count = release(message.position);
        if (wanted !== stated && marks < MARKS_MAX) state(wanted!);
        return { kind: 'port.taken', port, count };
      }
      const { position } = message;
      if (position > received || position + lengthOf(message) <= received) return undefined;
      if (message.kind === 'port.data') {
        const bytes = message.bytes.subarray(received - position);
        received += bytes.length;
        return { kind: 'port.data', port, bytes };
      }
      if (marksHere.length === MARKS_MAX) return undefined;
      marksHere.push(received);
      received += 1;
      passMarks();
      if (marksHere.length === 0) send({ kind: 'port.taken', port, position: taken });
      return { kind: 'port.open', port, open: message.open };
    },
    resend() {
      send({ kind: 'port.taken', port, position: taken });
      for (const message of kept) send(message);
    },
  };
}

const lengthOf = (message: Exclude<PortMessage, { kind: 'port.taken' }>): number =>
  message.kind === 'port.data' ? message.bytes.length : 1;
