import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noise } from '../testing/laboratory.ts';
import { httpStore } from './http.ts';
import { httpClient } from './http-client.ts';
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
const client = () => httpClient({ silenceMs: 200, backoffMs: 1 });

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
    expect((await store.read('file name', ETAG, 0, 0)).length).toBe(0);
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
    ['whole', (_, r) => void r.writeHead(200).end(noise(10)), 'unknown'],
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
    `<?xml version="1.0"?><ListBucketResult xmlns="x"><IsTruncated>${next !== undefined}</IsTruncated>${
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

  test.each(['s3://', 's3://b/?endpoint=x', 's3://b/?endpoint=ftp://x', 's3://b/?color=red'])(
    '%s names none',
    async (name) => {
      await expect(s3Store(name)).rejects.toMatchObject({ code: 'bad-store' });
    },
  );
});
