import { PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES, type PortMessage } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { createHostPort } from './host-port.ts';

const PORT = 3;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function bench() {
  const sent: PortMessage[] = [];
  const host = createHostPort(PORT, (message) => sent.push(message));
  const dataBytes = (): number =>
    sent.reduce((sum, message) => sum + (message.kind === 'port.data' ? message.bytes.length : 0), 0);
  let position = 0;
  const data = (bytes: Uint8Array): void => {
    host.hear({ kind: 'port.data', port: PORT, position, bytes });
    position += bytes.length;
  };
  return { sent, host, dataBytes, data };
}

test('what came before there was a listener is given to it, in order, and only then acknowledged', () => {
  const { sent, host, data } = bench();
  data(Uint8Array.of(1, 2));
  data(Uint8Array.of(3));
  expect(sent).toEqual([]);
  const got: number[] = [];
  host.port.onData = (bytes) => got.push(...bytes);
  data(Uint8Array.of(4));
  expect(got).toEqual([1, 2, 3, 4]);
  expect(sent).toEqual([2, 3, 4].map((position) => ({ kind: 'port.taken', port: PORT, position })));
});

test('a slice that sends beyond the window before there is a listener takes no more of the launcher’s memory', () => {
  const { host, data } = bench();
  for (let i = 0; i < 100; i += 1) data(new Uint8Array(PORT_DATA_BYTES_MAX));
  for (let i = 0; i < 100; i += 1) data(new Uint8Array(0));
  let [chunks, got] = [0, 0];
  host.port.onData = (bytes) => {
    chunks += 1;
    got += bytes.length;
  };
  expect([chunks, got]).toEqual([PORT_WINDOW_BYTES / PORT_DATA_BYTES_MAX, PORT_WINDOW_BYTES]);
});

test('a write waits for room, in pieces that a message may have, and its end comes after it', async () => {
  const { sent, host, dataBytes } = bench();
  const total = PORT_WINDOW_BYTES + PORT_DATA_BYTES_MAX + 5;
  let done = false;
  const written = host.port.write(Uint8Array.from({ length: total }, (_, i) => i)).then(() => {
    done = true;
  });
  host.port.end();
  await turn();
  expect([dataBytes(), done]).toEqual([PORT_WINDOW_BYTES, false]);
  host.hear({ kind: 'port.taken', port: PORT, position: PORT_DATA_BYTES_MAX + 1 });
  await turn();
  expect([dataBytes(), done]).toEqual([PORT_WINDOW_BYTES + PORT_DATA_BYTES_MAX + 1, false]);
  host.hear({ kind: 'port.taken', port: PORT, position: 2 ** 32 });
  await turn();
  expect(dataBytes()).toBe(PORT_WINDOW_BYTES + PORT_DATA_BYTES_MAX + 1);
  host.hear({ kind: 'port.taken', port: PORT, position: PORT_WINDOW_BYTES + 1 });
  await written;
  await turn();
  expect(dataBytes()).toBe(total);
  expect(sent.every((message) => message.kind !== 'port.data' || message.bytes.length <= PORT_DATA_BYTES_MAX)).toBe(
    true,
  );
  const all = sent.flatMap((message) => (message.kind === 'port.data' ? [...message.bytes] : []));
  expect(all.every((byte, i) => byte === (i & 0xff))).toBe(true);
  expect(sent.at(-1)).toEqual({ kind: 'port.open', port: PORT, position: total, open: false });
});

test('writes that wait when the machine goes are given up, and later ones at once', async () => {
  const { sent, host, dataBytes } = bench();
  const waiting = host.port.write(new Uint8Array(2 * PORT_WINDOW_BYTES));
  host.port.end();
  await turn();
  host.abandon();
  await waiting;
  await host.port.write(new Uint8Array(10));
  host.port.reopen();
  await turn();
  expect(dataBytes()).toBe(PORT_WINDOW_BYTES);
  expect(sent.some(({ kind }) => kind === 'port.open')).toBe(false);
});

test('says that the guest closed the port, and not that it opened it', () => {
  const { host } = bench();
  let closes = 0;
  host.port.onClose = () => {
    closes += 1;
  };
  host.hear({ kind: 'port.open', port: PORT, position: 0, open: true });
  host.hear({ kind: 'port.open', port: PORT, position: 1, open: false });
  expect(closes).toBe(1);
});
