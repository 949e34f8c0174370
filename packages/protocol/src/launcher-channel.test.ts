import { expect, test } from 'vitest';
import { decodeFromClient, decodeFromToolstack } from './launcher-channel.ts';
import { mutate, randomFrom } from './testing/mutate.ts';
import { decodeClientRequest } from './toolstack-channel.ts';

const EPOCH = 'AAAAAAAAAAAAAAAAAAAAAA==';
const VM = { vm: '01234567', token: 't' };
const SAMPLES: Readonly<Record<string, readonly [(line: string) => object | undefined, readonly object[]]>> = {
  'a client to the launcher': [
    decodeFromClient,
    [
      {
        do: 'deposit',
        stores: [{ path: '/a', write: true }],
        slice: '/s',
        hart: null,
        area: null,
        debug: false,
        machine: { memoryBytes: 1 },
      },
      { do: 'attach' },
    ],
  ],
  'the toolstack to the launcher': [
    decodeFromToolstack,
    [
      ...['claim', 'link', 'close', 'kill', 'pause', 'resume'].map((what) => ({ do: what, id: 'a' })),
      {
        ...{ do: 'spawn', id: 'a', kind: 'storage', links: [{ id: 'b', end: 1, epoch: EPOCH }], deposits: ['c'] },
        ...{ settings: { stores: [] }, dataBytes: 2 ** 29 },
      },
      { do: 'notice', id: 'a', bytes: EPOCH },
      { do: 'usage' },
    ],
  ],
  'a client to the toolstack': [
    decodeClientRequest,
    [
      {
        ...{
          do: 'run',
          ...VM,
          label: '',
          deposit: 'd',
          client: 'c',
          memoryBytes: 1,
          cpus: 0.5,
          weight: 1,
          strict: false,
        },
        stores: [{ bytes: 1, growable: false, writable: true, durable: true }],
      },
      { do: 'start', kind: 'enclave', client: 'c' },
      { do: 'list' },
      ...['inspect', 'stop', 'kill'].map((what) => ({ do: what, ...VM })),
      { do: 'debug', ...VM, deposit: 'd' },
      { do: 'upgrade', ...VM, deposit: null },
    ],
  ],
};

test.each(Object.entries(SAMPLES))(
  'each request of %s is itself, and with anything missing, added or else no request',
  (_name, [decode, requests]) => {
    for (const request of requests) {
      expect(decode(JSON.stringify(request))).toEqual(request);
      expect(decode(JSON.stringify({ ...request, path: '/bin/sh' }))).toBeUndefined();
      for (const name of Object.keys(request)) {
        const { [name]: _, ...rest } = request as Record<string, unknown>;
        expect(decode(JSON.stringify(rest))).toBeUndefined();
        for (const value of [null, -1, 0.5, 2 ** 60, 'x'.repeat(5000), 'a\0b', [], [1], { a: 1 }]) {
          if (value === null && ['slice', 'hart', 'area', 'deposit'].includes(name)) continue;
          if (value === 0.5 && ['cpus', 'weight'].includes(name)) continue;
          if (Array.isArray(value) && value.length === 0 && ['stores', 'links', 'deposits'].includes(name)) continue;
          if (!Array.isArray(value) && typeof value === 'object' && ['settings', 'machine'].includes(name)) continue;
          expect(
            decode(JSON.stringify({ ...request, [name]: value })),
            `${name}: ${JSON.stringify(value)}`,
          ).toBeUndefined();
        }
      }
    }
  },
);

test.each(Object.entries(SAMPLES))('no line of %s makes the decoder throw', (_name, [decode, requests]) => {
  const seed = 20261126;
  const random = randomFrom(seed);
  const lines = [
    ...requests.map((one) => JSON.stringify(one)),
    '{"do":"__proto__"}',
    '{"do":"toString"}',
    '[]',
    'null',
    '',
  ];
  for (let i = 0; i < 10_000; i += 1) {
    const line = Buffer.from(mutate(random, Buffer.from(lines[random(lines.length)]!))).toString('utf8');
    expect(() => decode(line), `seed ${seed}, case ${i}`).not.toThrow();
  }
});

test('a toolstack can name no kind, no amount and no end that there is not', () => {
  const spawn = { do: 'spawn', id: 'a', kind: 'slice', links: [], deposits: [], settings: {}, dataBytes: 1 };
  expect(decodeFromToolstack(JSON.stringify(spawn))).toBeDefined();
  for (const change of [
    { kind: 'toolstack' },
    { kind: 'launcher' },
    { kind: '/bin/sh' },
    { kind: 'constructor' },
    { dataBytes: 2 ** 34 },
    { links: [{ id: 'b', end: 2, epoch: EPOCH }] },
    { links: [{ id: 'b', end: 0, epoch: EPOCH, path: '/a' }] },
    { deposits: ['/a'.repeat(40)] },
    { deposits: Array.from({ length: 2000 }, () => 'a') },
    { settings: [] },
  ])
    expect(decodeFromToolstack(JSON.stringify({ ...spawn, ...change })), JSON.stringify(change)).toBeUndefined();
});
