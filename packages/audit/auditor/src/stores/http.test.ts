import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noise } from '../testing/laboratory.ts';
import { httpStore } from './http.ts';
import { httpClient } from './http-client.ts';
import { meter } from './meter.ts';
import { s3Store } from './s3/s3.ts';
import type { Store, StoredObject } from './store.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const content = noise(10_000);
const ETAG = '"v1"';
let server: Server;
let requests: IncomingMessage[];
/** What the next requests get instead of an honest answer. */
let faults: Answer[];
let address: string;

/** A web server that knows ranges and conditions. */
const honest: Answer = (request, response) => {
  const { range, 'if-match': condition } = request.headers;
  if (condition !== undefined && condition !== ETAG) return void response.writeHead(412).end();
  const wanted = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
  if (request.method === 'HEAD' || wanted === null)
    return void response
      .writeHead(200, { etag: ETAG, 'content-length': content.length })
      .end(request.method === 'HEAD' ? undefined : content);
  const [from, to] = [Number(wanted[1]), Math.min(Number(wanted[2]), content.length - 1)];
  if (from >= content.length) return void response.writeHead(416).end();
  const headers = { etag: ETAG, 'content-range': `bytes ${from}-${to}/${content.length}` };
  response.writeHead(206, headers).end(content.subarray(from, to + 1));
};

beforeEach(async () => {
  requests = [];
  faults = [];
  server = createServer((request, response) => {
    requests.push(request);
    (faults.shift() ?? honest)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const status =
  (code: number, body = '', headers = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end(body);
const cut: Answer = (_, response) => void response.socket!.destroy();
const silence: Answer = () => undefined;
const raw =
  (bytes: string): Answer =>
  (_, response) =>
    void response.socket!.write(bytes);
/** A byte now and then: no silence, and no end. */
const drip: Answer = (_, response) => {
  response.writeHead(206, { 'content-range': 'bytes 0-9/10000', 'content-length': 10 });
  const timer = setInterval(() => response.write('x'), 100);
  response.on('close', () => clearInterval(timer));
};
const client = () => httpClient({ silenceMs: 200, deadlineMs: 300, backoffMs: 1 });

async function listed(store: Store): Promise<StoredObject[]> {
  const all: StoredObject[] = [];
  for await (const object of store.list()) all.push(object);
  return all;
}

describe('a web server', () => {
  const open = () => httpStore(`${address}/folder/file%20name`, client());

  test('lists its one object, and gives ranges of it', async () => {
    const store = open();
    expect(await listed(store)).toEqual([{ path: 'file name', bytes: content.length, pin: ETAG }]);
    expect(new Uint8Array(await store.read('file name', ETAG, 100, 200))).toEqual(content.slice(100, 300));
    expect((await store.read('file name', ETAG, 9_990, 200)).length).toBe(10);
    expect((await store.read('file name', ETAG, 10_000, 200)).length).toBe(0);
    await store.close();
  });

  test('what is passing is tried again', async () => {
    const store = open();
    for (const fault of [status(503), status(429, '', { 'retry-after': '0' }), status(500), cut, silence]) {
      faults = [fault];
      expect((await store.read('f', ETAG, 0, 10)).length).toBe(10);
    }
    await store.close();
  });

  test.each<[string, Answer | Answer[], string]>([
    ['throttled', Array(5).fill(status(503)), 'throttled'],
    ['unreachable', Array(5).fill(cut), 'unreachable'],
    ['timed out', Array(5).fill(silence), 'timed-out'],
    ['broken', Array(5).fill(status(502)), 'unreachable'],
    ['gone', status(404), 'missing'],
    ['archived', status(403, '<Error><Code>InvalidObjectState</Code></Error>'), 'archived'],
    ['forbidden', status(403), 'unreachable'],
    ['changed', status(412), 'stale'],
    [
      'another state',
      (_, r) => void r.writeHead(206, { etag: '"v2"', 'content-range': 'bytes 0-9/10000' }).end(noise(10)),
      'stale',
    ],
    [
      'another range',
      (_, r) => void r.writeHead(206, { 'content-range': 'bytes 5-14/10000' }).end(noise(10)),
      'unknown',
    ],
    ['whole', (_, r) => void r.writeHead(200).end(noise(100)), 'unknown'],
    ['in part', (_, r) => void r.writeHead(206, { 'content-range': 'bytes 0-4/10000' }).end(noise(5)), 'unknown'],
    [
      'shorter than it says',
      (_, r) => void r.writeHead(206, { 'content-range': 'bytes 0-9/10000' }).end(noise(5)),
      'unknown',
    ],
    [
      'longer than was asked for',
      (_, r) => void r.writeHead(206, { 'content-range': 'bytes 0-19/10000' }).end(noise(20)),
      'unknown',
    ],
    ['another state as a whole', (_, r) => void r.writeHead(200, { etag: '"v2"' }).end(noise(10)), 'stale'],
    [
      'another protocol',
      Array(5).fill(raw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n')),
      'unreachable',
    ],
    ['no HTTP', raw('SSH-2.0-OpenSSH_9.2\r\n'), 'unknown'],
    ['headers without end', raw(`HTTP/1.1 206 Partial Content\r\n${'x: y\r\n'.repeat(20_000)}`), 'unknown'],
    ['no whole body', Array(5).fill(raw('HTTP/1.1 206 Partial Content\r\ncontent-length: 10\r\n\r\nabc')), 'timed-out'],
    ['slow for ever', Array(5).fill(drip), 'timed-out'],
    [
      'without end',
      (_, r) => void r.writeHead(206, { 'content-range': 'bytes 0-9/10000' }).end(noise(100_000)),
      'unknown',
    ],
    ['strange', status(302), 'unknown'],
  ])('%s is its own verdict', async (_, fault, loss) => {
    const store = open();
    faults = [fault].flat();
    await expect(store.read('f', ETAG, 0, 10)).rejects.toMatchObject({ loss });
    await store.close();
  });

  test('a connection that the server closed when it had answered is another one the next time', async () => {
    const store = open();
    for (let turn = 0; turn < 10; turn += 1) {
      faults = [
        (request, response) => {
          response.on('finish', () => request.socket.destroy());
          honest(request, response);
        },
      ];
      expect((await store.read('f', ETAG, 0, 10)).length).toBe(10);
    }
    await store.close();
  });

  test('of an empty object, nothing is asked for but its state', async () => {
    const store = open();
    faults = [status(200), status(412), status(403, 'InvalidObjectState'), status(200, 'x')];
    expect((await store.read('f', ETAG, 0, 0)).length).toBe(0);
    for (const loss of ['stale', 'archived', 'stale'])
      await expect(store.read('f', ETAG, 0, 0)).rejects.toMatchObject({ loss });
    expect(requests.every(({ headers }) => headers.range === undefined)).toBe(true);
    await store.close();
  });

  test('what may be spent holds, whatever is tried again', async () => {
    const told: string[] = [];
    const prices = { perThousandRequests: 1000, perGigabyte: 1e9 / 100 };
    const spent = meter({ maxCost: 3.2, prices }, (line) => told.push(line));
    const store = httpStore(`${address}/file`, httpClient({ backoffMs: 0, meter: spent }));
    faults = [status(500)];
    // Each attempt costs 1.1.
    expect((await store.read('f', ETAG, 0, 10)).length).toBe(10);
    for (let turn = 0; turn < 2; turn += 1)
      await expect(store.read('f', ETAG, 0, 10)).rejects.toMatchObject({ loss: 'throttled' });
    expect([requests.length, told.length]).toEqual([2, 1]);
    await store.close();
  });

  test('what is lost on a kept connection that the server has closed is asked on one of its own', async () => {
    // As nginx does after 412: it says that it keeps the connection, and the next request finds it closed.
    const closing = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n');
        socket.once('data', () => socket.end());
      });
    });
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
    const store = httpStore(
      `http://127.0.0.1:${(closing.address() as AddressInfo).port}/file`,
      httpClient({ attempts: 1 }),
    );
    const losses = await Promise.all(
      Array.from({ length: 200 }, (_, i) => store.read('file', ETAG, i, 1).catch(({ loss }) => loss)),
    );
    expect([...new Set(losses)]).toEqual(['stale']);
    await store.close();
    closing.close();
  });

  test('after much in vain nobody is asked any more', async () => {
    const store = httpStore(`${address}/file`, httpClient({ attempts: 2, backoffMs: 0 }));
    faults = Array(1000).fill(status(500));
    const read = () => expect(store.read('f', ETAG, 0, 10)).rejects.toMatchObject({ loss: 'unreachable' });
    await Promise.all(Array.from({ length: 256 }, read));
    await read();
    expect(requests.length).toBe(256 * 2);
    await store.close();
  });

  test.each(['http://user:word@host/', 'http://'])('%s is no store', (name) => {
    expect(() => httpStore(name)).toThrow(expect.objectContaining({ code: 'bad-store' }));
  });

  test('a server that is not there is unreachable', async () => {
    const store = open();
    server.closeAllConnections();
    server.close();
    await expect(store.read('f', ETAG, 0, 10)).rejects.toMatchObject({ loss: 'unreachable' });
    await store.close();
  });
});

describe('a bucket', () => {
  const open = (query = '') => s3Store(`s3://bucket/a%20b/?endpoint=${address}&region=eu${query}`, client());
  const page = (keys: readonly string[], next?: string) =>
    `<?xml version="1.0"?><ListBucketResult xmlns="x"><EncodingType>url</EncodingType><IsTruncated>${next !== undefined}</IsTruncated>${
      next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`
    }${keys.map((key) => `<Contents><Key>${key}</Key><ETag>&quot;e&quot;</ETag><Size>5</Size></Contents>`).join('')}</ListBucketResult>`;

  test('is listed page by page, its names decoded, and signed', async () => {
    process.env.AWS_ACCESS_KEY_ID = 'KEY';
    process.env.AWS_SECRET_ACCESS_KEY = 'SECRET';
    process.env.AWS_SESSION_TOKEN = 'TOKEN';
    try {
      const store = await open();
      faults = [status(200, page(['a+b/x%26y', 'a%20b/%C3%BC'], 't&amp;1')), status(200, page(['a+b/z']))];
      expect(await listed(store)).toEqual(['x&y', 'ü', 'z'].map((path) => ({ path, bytes: 5, pin: '"e"' })));
      expect(requests.map(({ url }) => url)).toEqual([
        '/bucket/?encoding-type=url&list-type=2&prefix=a%20b%2F',
        '/bucket/?continuation-token=t%261&encoding-type=url&list-type=2&prefix=a%20b%2F',
      ]);
      expect(requests[0]!.headers.authorization).toMatch(/Credential=KEY\/\d{8}\/eu\/s3\/aws4_request/);
      expect(requests[0]!.headers['x-amz-security-token']).toBe('TOKEN');
      expect((await store.read('x', ETAG, 0, 10)).length).toBe(10);
      expect(requests[2]!.url).toBe('/bucket/a%20b/x');
      await store.close();
    } finally {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) delete process.env[name];
    }
  });

  test('tells a clock that is wrong, and is asked again at the right time', async () => {
    process.env.AWS_ACCESS_KEY_ID = 'KEY';
    process.env.AWS_SECRET_ACCESS_KEY = 'SECRET';
    try {
      const store = await open();
      faults = [status(403, '<Code>RequestTimeTooSkewed</Code>', { date: 'Thu, 26 Nov 2020 00:00:00 GMT' })];
      expect((await store.read('x', ETAG, 0, 10)).length).toBe(10);
      expect(requests[1]!.headers['x-amz-date']).toMatch(/^20201126T/);
      await store.close();
    } finally {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
    }
  });

  test.each([
    ['no XML', 'hello'],
    ['a name outside the prefix', page(['other/x'])],
    ['no size', page(['a+b/x']).replace('<Size>5</Size>', '')],
    ['no next page', page(['a+b/x']).replace('>false<', '>true<')],
    ['no UTF-8', page(['a+b/%FF'])],
  ])('a listing with %s is none', async (_, body) => {
    const store = await open();
    faults = [status(200, body)];
    await expect(listed(store)).rejects.toMatchObject({ loss: 'unknown' });
    await store.close();
  });

  test('names that a URL would make others of, and listings that are not encoded', async () => {
    const store = await open();
    const body = page(['a b/../x', 'a b/+%25', 'a b/']).replace('<EncodingType>url</EncodingType>', '');
    faults = [status(200, body)];
    expect((await listed(store)).map(({ path }) => path)).toEqual(['../x', '+%25']);
    for (const [path, url] of [
      ['../x', '/bucket/a%20b/../x'],
      ['+%25', '/bucket/a%20b/%2B%2525'],
      ['a//b', '/bucket/a%20b/a//b'],
      ['?#\u{1f600}', '/bucket/a%20b/%3F%23%F0%9F%98%80'],
    ] as const) {
      await store.read(path, ETAG, 0, 10);
      expect(requests.at(-1)!.url).toBe(url);
    }
    await store.close();
  });

  test('a listing that costs its reader more than its length is none', async () => {
    const store = await open();
    faults = [status(200, `<ListBucketResult>${'<Contents>'.repeat(800_000)}`)];
    await expect(listed(store)).rejects.toMatchObject({ loss: 'unknown' });
    await store.close();
  }, 5_000);

  test('a listing that goes in a circle ends', async () => {
    const store = await open();
    faults = [status(200, page([], 't')), status(200, page([], 't'))];
    await expect(listed(store)).rejects.toMatchObject({ loss: 'unknown' });
    await store.close();
  });

  test('a bucket of another region names it', async () => {
    const store = await open();
    faults = [status(301, '', { 'x-amz-bucket-region': 'us-west-2' })];
    await expect(listed(store)).rejects.toThrow('"bucket" is in the region "us-west-2", not in "eu"');
    await store.close();
  });

  test.each([
    's3://',
    's3://b/%',
    's3://key:secret@b/',
    's3://b/?endpoint=x',
    's3://b/?endpoint=ftp://x',
    's3://b/?endpoint=http://u:p@x',
    's3://b/?color=red',
  ])('%s names none', async (name) => {
    await expect(s3Store(name)).rejects.toMatchObject({ code: 'bad-store' });
  });
});
