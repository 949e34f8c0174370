import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PortEvent, PortMessage } from './console.ts';
import { createPortStream, type PortStream } from './port-stream.ts';

const PORT = 2;
const data = (...bytes: number[]): PortEvent => ({ kind: 'port.data', port: PORT, bytes: Uint8Array.from(bytes) });
const open = (value: boolean): PortEvent => ({ kind: 'port.open', port: PORT, open: value });
const taken = (count: number): PortEvent => ({ kind: 'port.taken', port: PORT, count });

test('numbers bytes and marks in one sequence, and forgets what was taken', () => {
  const sent: PortMessage[] = [];
  const stream = createPortStream(PORT, (message) => sent.push(message));
  stream.send(data(1, 2, 3));
  stream.send(open(false));
  stream.send(data(4));
  expect(sent.map(({ kind, position }) => [kind, position])).toEqual([
    ['port.data', 0],
    ['port.open', 3],
    ['port.data', 4],
  ]);
  expect(stream.receive({ kind: 'port.taken', port: PORT, position: 2 })).toEqual(taken(2));
  expect(stream.receive({ kind: 'port.taken', port: PORT, position: 1 })).toEqual(taken(0));
  sent.length = 0;
  stream.resend();
  expect(sent).toEqual([
    { kind: 'port.taken', port: PORT, position: 0 },
    { kind: 'port.data', port: PORT, position: 2, bytes: Uint8Array.of(3) },
    { kind: 'port.open', port: PORT, position: 3, open: false },
    { kind: 'port.data', port: PORT, position: 4, bytes: Uint8Array.of(4) },
  ]);
  expect(stream.receive({ kind: 'port.taken', port: PORT, position: 6 })).toBeUndefined();
});

test('a peer that opens and closes without end costs a bounded memory, and its last word counts', () => {
  const sent: PortMessage[] = [];
  const stream = createPortStream(PORT, (message) => sent.push(message));
  for (let i = 0; i < 10_001; i += 1) stream.send(open(i % 2 === 0));
  const before = sent.length;
  expect(before).toBeLessThan(100);
  stream.receive({ kind: 'port.taken', port: PORT, position: before });
  expect(sent.at(-1)).toMatchObject({ kind: 'port.open', open: true });
  const far = createPortStream(PORT, () => {});
  far.receive({ kind: 'port.data', port: PORT, position: 0, bytes: Uint8Array.of(1) });
  const heard = Array.from({ length: 1000 }, (_, i) =>
    far.receive({ kind: 'port.open', port: PORT, position: i + 1, open: true }),
  );
  expect(heard.filter((event) => event !== undefined).length).toBeLessThan(100);
});

/** Two ends and a relay that loses everything under way, or its tail, whenever it is replaced. */
test('nothing is lost, doubled or out of order across replaced relays', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('data' as const), length: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('mark' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), lost: fc.nat({ max: 9 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const toB: PortMessage[] = [];
      const toA: PortMessage[] = [];
      const a: PortStream = createPortStream(PORT, (message) => toB.push(message));
      const b: PortStream = createPortStream(PORT, (message) => toA.push(message));
      const said: string[] = [];
      const heard: string[] = [];
      let [byte, state, waiting] = [0, false, 0];
      const deliver = (): void => {
        const message = toB.shift();
        if (message !== undefined) {
          const event = b.receive(message);
          if (event?.kind === 'port.data') {
            for (const one of event.bytes) heard.push(`${one}`);
            waiting += event.bytes.length;
          } else if (event?.kind === 'port.open') heard.push(`${event.open}`);
        }
        const back = toA.shift();
        if (back !== undefined) a.receive(back);
      };
      for (const one of steps) {
        if (one.do === 'data') {
          const bytes = Array.from({ length: one.length }, () => byte++ & 0xff);
          said.push(...bytes.map(String));
          a.send(data(...bytes));
        } else if (one.do === 'mark') {
          state = !state;
          said.push(`${state}`);
          a.send(open(state));
        } else if (one.do === 'deliver') for (let i = 0; i < one.count; i += 1) deliver();
        else if (one.do === 'take') {
          const count = Math.min(one.count, waiting);
          waiting -= count;
          if (count > 0) b.send(taken(count));
        } else {
          toB.splice(Math.max(0, toB.length - one.lost));
          toA.splice(0);
          a.resend();
          b.resend();
        }
      }
      while (toA.length + toB.length > 0) deliver();
      expect(heard).toEqual(said);
    }),
    { numRuns: 500 },
  );
});
