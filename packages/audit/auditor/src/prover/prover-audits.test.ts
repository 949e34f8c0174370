import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Check } from '../../../../protocol/src/index.ts';
import { nodePrimitives } from '../../../../trusted/crypto/src/index.ts';
import { decodeRecord, encodeRecord } from '../../../pdp/src/index.ts';
import { type Prover, serveProver } from '../../../prover/src/index.ts';
import { type AuditContext, addStore, auditReceipts, runAudit, syncStore } from '../index.ts';
import { enclaveHere, measuredHere } from '../testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from '../testing/laboratory.ts';

const BLOCK = 4096;
const DAY = 86_400_000;
let lab: Laboratory;
let now: number;
let context: AuditContext;
let prover: Prover;
let address: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  lab = laboratory();
  now = Date.UTC(2026, 10, 26);
  context = {
    startEnclave: enclaveHere(() => now),
    measureEnclave: measuredHere,
    proverTimes: { deadlineMs: 30_000, backoffMs: 1 },
  };
  prover = await serveProver(nodePrimitives, { directory: lab.store });
  address = prover.url;
  closing.push(() => prover.close());
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  lab.close();
});

const add = (options = {}) =>
  addStore(context, lab.store, { name: 'lab', blockBytes: BLOCK, prover: address, ...options });
const run = (options = {}) => runAudit(context, 'lab', options);
const seen = async (options = {}) =>
  (await run(options)).wrong.map(({ path, finding, offset, blocks }) => [finding, path, offset, blocks]);

describe('a prover that has everything', () => {
  test.each(['gmac-cpor', 'cpor-private', 'cpor-public', 'pppas'])(
    'proves files of every size under %s, sampled and whole, and what has changed is not proven',
    async (scheme) => {
      const lengths = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 10 * BLOCK + 7];
      for (const length of lengths) lab.write(`folder/${length} ü%`, noise(length));
      expect(await add({ scheme })).toMatchObject({ objects: 6, skipped: [], total: { objects: 6 } });
      expect(await run()).toMatchObject({ wrong: [], blocks: 17, number: 1 });
      expect(await run({ all: true })).toMatchObject({ wrong: [], blocks: 17, bytes: 13 * BLOCK + 8, number: 2 });
      lab.flip(`folder/${10 * BLOCK + 7} ü%`, 3 * BLOCK);
      expect(await seen({ all: true })).toEqual([['not-proven', `folder/${10 * BLOCK + 7} ü%`, 0, 11]]);
    },
    30_000,
  );

  test('receipts say who was asked', async () => {
    lab.write('file', noise(3 * BLOCK));
    await add();
    await run();
    const [receipt] = await auditReceipts('lab');
    expect(receipt!.verified).toMatchObject({ ok: true, claims: { audit: { prover: address, findings: 0 } } });
  });

  test('what is gone is missing, what is new is tagged by sync, and tags of ours are none of the data', async () => {
    lab.write('kept', noise(2 * BLOCK));
    lab.write('gone', noise(2 * BLOCK));
    await add();
    lab.remove('gone');
    lab.write('new', noise(BLOCK, 2));
    expect(await seen({ all: true })).toEqual([['missing', 'gone', 0, 2]]);
    expect(await syncStore(context, 'lab', { removed: true })).toMatchObject({ objects: 1, total: { objects: 2 } });
    expect(await seen({ all: true })).toEqual([]);
  });

  test('a lost block is found by rolling coverage within one period', async () => {
    lab.write('file', noise(60 * BLOCK));
    await add({ period: 30 * DAY });
    await run({ sample: 0 });
    lab.flip('file', 41 * BLOCK);
    const found: string[] = [];
    for (let day = 1; day <= 30; day += 1) {
      now += DAY;
      found.push(...(await run({ sample: 0 })).wrong.map(({ finding }) => finding));
    }
    expect(found).toEqual(['not-proven']);
  });

  test('tags that are gone or wrong prove nothing', async () => {
    lab.write('file', noise(5 * BLOCK));
    await add();
    const folder = lab.stored().find((path) => /\.cloister-audit\/[0-9a-f]{16}\/[0-9a-f]{16}$/.test(path))!;
    lab.flip(folder, 20);
    expect(await seen({ all: true })).toEqual([['not-proven', 'file', 0, 5]]);
    lab.remove(folder);
    expect(await seen({ all: true })).toEqual([['missing', 'file', 0, 5]]);
  });
});

type Hostile = (
  honest: (body?: Uint8Array) => Promise<Buffer>,
  response: ServerResponse,
  body: Buffer,
) => void | Promise<void>;

/** A prover in whose place somebody else answers; what the honest one says it may have. */
async function hostile(answer: Hostile): Promise<string> {
  const server = createServer(async (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const honest = async (question: Uint8Array = body): Promise<Buffer> => {
      const reply = await fetch(`${prover.url}${request.url}`, {
        method: 'POST',
        headers: { 'content-type': 'application/cbor' },
        body: new Uint8Array(question),
        signal: AbortSignal.timeout(10_000),
      });
      return Buffer.from(await reply.arrayBuffer());
    };
    await answer(honest, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a hostile prover', () => {
  const first: Buffer[] = [];
  const CASES: readonly (readonly [what: string, finding: string, answer: Hostile])[] = [
    [
      'an old proof again',
      'not-proven',
      async (honest, response) => {
        first.push(await honest());
        response.end(first[0]);
      },
    ],
    ['nothing', 'not-proven', (_honest, response) => void response.end()],
    ['garbage', 'not-proven', (_honest, response) => void response.end(Buffer.alloc(BLOCK + 16, 9))],
    ['zeros', 'not-proven', (_honest, response) => void response.end(Buffer.alloc(BLOCK + 16))],
    [
      'a proof with a byte more',
      'not-proven',
      async (honest, response) => void response.end(Buffer.concat([await honest(), Buffer.of(0)])),
    ],
    ['a proof cut short', 'not-proven', async (honest, response) => void response.end((await honest()).subarray(1))],
    [
      'a proof without end',
      'not-proven',
      (_honest, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        };
        response.on('drain', more);
        more();
      },
    ],
    ['no challenge, it says', 'not-proven', (_honest, response) => void response.writeHead(400).end()],
    ['no such file, it says', 'missing', (_honest, response) => void response.writeHead(404).end()],
    ['too much at once, it says', 'throttled', (_honest, response) => void response.writeHead(503).end()],
    ['elsewhere, it says', 'unknown', (_honest, response) => void response.writeHead(302, { location: '/' }).end()],
    ['a broken connection', 'unreachable', (_honest, response) => void response.destroy()],
    ['silence', 'timed-out', () => undefined],
    [
      'a proof, byte by byte',
      'timed-out',
      (_honest, response) => {
        const clock = setInterval(() => response.write('a'), 50);
        response.on('close', () => clearInterval(clock));
      },
    ],
  ];

  test.each(CASES)('%s: %s', async (what, finding, answer) => {
    first.length = 0;
    lab.write('file', noise(3 * BLOCK));
    address = await hostile(answer);
    if (finding === 'timed-out') context = { ...context, proverTimes: { deadlineMs: 500, backoffMs: 1 } };
    await add();
    if (finding === 'not-proven' && what.startsWith('an old')) await run({ all: true });
    expect(await seen({ all: true })).toEqual([[finding, 'file', 0, 3]]);
  });

  test("another file's proof for the same seed and blocks, and files in one another's place", async () => {
    lab.write('one', noise(3 * BLOCK, 1));
    lab.write('two', noise(3 * BLOCK, 2));
    const anything: Check<Record<string, unknown>> = (value): value is Record<string, unknown> =>
      value instanceof Object;
    const opened = (bytes: Uint8Array): Record<string, unknown> => decodeRecord(anything, new Uint8Array(bytes))!;
    let two: Record<string, unknown> | undefined;
    address = await hostile(async (honest, response, body) => {
      const request = opened(body);
      if (request.path === 'two') two = request;
      if (request.path === 'two' || two === undefined) return void response.end(await honest());
      // The question about "one", put about "two".
      const { name } = opened(two.challenge as Uint8Array);
      const challenge = encodeRecord({ ...opened(request.challenge as Uint8Array), name });
      response.end(await honest(encodeRecord({ ...two, challenge })));
    });
    await add();
    expect(await seen({ all: true })).toEqual([]);
    expect(await seen({ all: true })).toEqual([['not-proven', 'one', 0, 3]]);
    two = undefined;
    const [first, second] = [lab.read('one'), lab.read('two')];
    lab.write('one', second);
    lab.write('two', first);
    expect((await seen({ all: true })).map(([finding, path]) => [finding, path]).sort()).toEqual([
      ['not-proven', 'one'],
      ['not-proven', 'two'],
    ]);
  });

  test('that keeps an old proof: the control, an enclave whose generator says one thing, is fooled by it', async () => {
    lab.write('file', noise(3 * BLOCK));
    let kept: Buffer | undefined;
    address = await hostile(async (honest, response) => {
      kept ??= await honest();
      response.end(kept);
    });
    const stuck = { ...nodePrimitives, random: (length: number) => new Uint8Array(length).fill(5) };
    await add();
    const fooled = { ...context, startEnclave: enclaveHere(() => now, stuck) };
    expect((await runAudit(fooled, 'lab', { all: true })).wrong).toEqual([]);
    lab.flip('file', BLOCK);
    expect((await runAudit(fooled, 'lab', { all: true })).wrong).toEqual([]);
    expect(await seen({ all: true })).toEqual([['not-proven', 'file', 0, 3]]);
  });

  test('that is wrong once and right then is unsteady; wrong once and silent then, not proven', async () => {
    lab.write('file', noise(3 * BLOCK));
    let asked = 0;
    let second: Hostile = async (honest, response) => void response.end(await honest());
    address = await hostile((honest, response, body) => {
      asked += 1;
      return asked % 2 === 1 ? void response.end() : second(honest, response, body);
    });
    await add();
    expect(await seen({ all: true })).toEqual([['unsteady', 'file', 0, 3]]);
    asked = 0;
    second = (_honest, response) => void response.writeHead(404).end();
    expect(await seen({ all: true })).toEqual([['not-proven', 'file', 0, 3]]);
  });

  test('is found out by the verification alone: the control, which accepts what it is given, finds nothing', async () => {
    lab.write('file', noise(3 * BLOCK));
    await add();
    lab.flip('file', BLOCK);
    const trusting = { ...nodePrimitives, equal: () => true };
    const fooled = { ...context, startEnclave: enclaveHere(() => now, trusting) };
    expect((await runAudit(fooled, 'lab', { all: true })).wrong).toEqual([]);
    expect(await seen({ all: true })).toEqual([['not-proven', 'file', 0, 3]]);
  });
});

describe('limits hold with a prover, too', () => {
  const prices = { perThousandRequests: 1000, perGigabyte: 0 };
  test('no more is asked once the money is spent', async () => {
    for (const name of 'abcde') lab.write(name, noise(BLOCK));
    let asked = 0;
    address = await hostile(async (honest, response) => {
      asked += 1;
      response.end(await honest());
    });
    await add();
    const findings = await seen({ all: true, limits: { maxCost: 3, prices } });
    expect(findings).toHaveLength(2);
    expect(new Set(findings.map(([finding]) => finding))).toEqual(new Set(['throttled']));
    expect(asked).toBe(3);
  });

  test('what comes is counted, not the longest proof that there is', async () => {
    for (let at = 0; at < 20; at += 1) lab.write(`${at}`, noise(BLOCK));
    await add();
    // Twenty questions and proofs have some 100 KB; the longest ones would have 3.3 MB.
    const perByte = { perThousandRequests: 0, perGigabyte: 1e9 };
    expect(await seen({ all: true, limits: { maxCost: 1_000_000, prices: perByte } })).toEqual([]);
    expect((await seen({ all: true, limits: { maxCost: 1_000, prices: perByte } })).length).toBe(20);
  });

  test('and no faster than the rate', async () => {
    lab.write('file', noise(BLOCK));
    await add();
    const from = performance.now();
    expect(await seen({ limits: { limitRate: 160 * 1024, prices } })).toEqual([]);
    // The longest proof at the rate: it waits before, for nobody knows how long one is.
    expect(performance.now() - from).toBeGreaterThan(900);
  });
});

test('what is no prover, no scheme for one and no directory says so', async () => {
  lab.write('file', 'x');
  await expect(add({ prover: 'nonsense' })).rejects.toMatchObject({ code: 'bad-prover' });
  await expect(add({ prover: 'http://user:word@host/' })).rejects.toMatchObject({ code: 'bad-prover' });
  for (const scheme of ['mac-pdp', 'sha256-merkle', 'sepdp', 'dht-pa', 'e-pdp', 'mr-pdp'])
    await expect(add({ scheme }), scheme).rejects.toMatchObject({ code: 'bad-scheme' });
  await add();
  await expect(add({ prover: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'bad-store' });
  await prover.close();
  expect(await seen()).toEqual([['unreachable', 'file', 0, 1]]);
});
