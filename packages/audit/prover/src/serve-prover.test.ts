import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePrimitives } from '@cloister/crypto';
import {
  type Challenge,
  describeFile,
  encodeRecord,
  type KeyPair,
  SCHEMES,
  type Scheme,
  type Selection,
} from '@cloister/pdp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mutate, randomFrom } from '../../../protocol/src/testing/mutate.ts';
import { type Prover, type ProverOptions, serveProver } from './index.ts';

const BLOCK = 4096;
const SEED = 20261127;
const folder = mkdtempSync(join(tmpdir(), 'cloister-prover-'));
const root = join(folder, 'data');
const scheme: Scheme = SCHEMES['gmac-cpor'](nodePrimitives);
let keys: KeyPair;
const provers: Prover[] = [];
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  for (const prover of provers.splice(0)) await prover.close();
});

async function serve(options: Partial<ProverOptions> = {}): Promise<Prover> {
  const prover = await serveProver(nodePrimitives, {
    directory: root,
    publicKeys: [join(folder, 'K.public')],
    ...options,
  });
  provers.push(prover);
  return prover;
}

/** Writes a file with its tags beside it; returns its file tag. */
async function stored(name: string, length: number, fill = 1): Promise<Uint8Array> {
  const data = new Uint8Array(length).map((_, at) => (at * 31 + fill) & 255);
  const file = describeFile(nodePrimitives, { scheme: scheme.facts.name, version: 0, blockBytes: BLOCK, length });
  const tags: Uint8Array[] = [];
  const fileTag = await scheme.tag(keys.secret, {
    file,
    source: (async function* () {
      yield data;
    })(),
    out: { write: (some) => void tags.push(some.slice()) },
  });
  writeFileSync(join(root, name), data);
  writeFileSync(join(root, `${name}.tags`), Buffer.concat(tags));
  writeFileSync(join(root, `${name}.tau`), fileTag);
  return fileTag;
}

interface Reply {
  readonly status: number;
  readonly body: Buffer;
}
/** What the prover answers, with a target that nobody has made nice. */
function ask(
  prover: Prover,
  path: string,
  body: Uint8Array,
  more: { method?: string; type?: string } = {},
): Promise<Reply> {
  const { hostname, port } = new URL(prover.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        ...{ hostname, port, path, method: more.method ?? 'POST', timeout: 10_000, agent: false },
        headers: { 'content-type': more.type ?? 'application/cbor', 'content-length': body.length },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
const range = (count: number): Selection => ({ kind: 'range', first: 0, count });
const challengeFor = (fileTag: Uint8Array, selection: Selection = { kind: 'sample', count: 460 }): Promise<Challenge> =>
  scheme.challenge(keys.secret, fileTag, selection);
const verdict = (fileTag: Uint8Array, challenge: Challenge, { body }: Reply) =>
  scheme.verify(keys.secret, fileTag, challenge, body);

let tag: Uint8Array;
beforeAll(async () => {
  keys = await scheme.keyGen();
  writeFileSync(join(folder, 'K.public'), keys.public);
  mkdirSync(join(root, 'folder'), { recursive: true });
  writeFileSync(join(folder, 'outside'), 'secret');
  tag = await stored('file', 10 * BLOCK + 5);
});

describe('a challenge is answered with a proof', () => {
  test('for files of every size, wherever they lie, and each its own', async () => {
    const prover = await serve();
    for (const [name, length] of [
      ['folder/empty', 0],
      ['folder/one', 1],
      ['folder/a b%20ü', BLOCK],
      ['folder/more', BLOCK + 1],
    ] as const) {
      const fileTag = await stored(name, length);
      const challenge = await challengeFor(fileTag);
      const path = `/prove/${name.split('/').map(encodeURIComponent).join('/')}`;
      const reply = await ask(prover, path, challenge.message);
      expect(reply.status).toBe(200);
      expect(await verdict(fileTag, challenge, reply)).toEqual({ accepted: true });
    }
  });

  test('and a changed byte is no proof any more', async () => {
    const prover = await serve();
    const fileTag = await stored('changed', 3 * BLOCK);
    const challenge = await challengeFor(fileTag);
    const data = readFileSync(join(root, 'changed'));
    data[BLOCK]! ^= 1;
    writeFileSync(join(root, 'changed'), data);
    const reply = await ask(prover, '/prove/changed', challenge.message);
    expect(await verdict(fileTag, challenge, reply)).toEqual({ accepted: false, reason: 'wrong proof' });
  });
});

describe('a hostile client', () => {
  test('gets out of the directory by no name', async () => {
    symlinkSync(join(folder, 'outside'), join(root, 'link'));
    for (const suffix of ['.tags', '.tau'])
      writeFileSync(join(root, `link${suffix}`), readFileSync(join(root, `file${suffix}`)));
    for (const suffix of ['', '.tags', '.tau'])
      writeFileSync(join(folder, `beside${suffix}`), readFileSync(join(root, `file${suffix}`)));
    const prover = await serve();
    const { message } = await challengeFor(tag);
    for (const name of [
      '../beside',
      '%2e%2e/beside',
      '..%2fbeside',
      'folder/../../beside',
      'link',
      '%00',
      '',
      '/',
      'folder',
    ])
      expect([name, (await ask(prover, `/prove/${name}`, message)).status]).toEqual([name, 404]);
    expect((await ask(prover, '/prove/%zz', message)).status).toBe(400);
    // The control: the same files one directory up are served.
    expect((await ask(await serve({ directory: folder }), '/prove/beside', message)).status).toBe(200);
  });

  test('is told what is wrong with a request, and reads no more than is allowed', async () => {
    const prover = await serve({ readMax: 5 * BLOCK });
    const { message } = await challengeFor(tag, range(5));
    const more = await challengeFor(tag, range(6));
    const of = async (path: string, body: Uint8Array, options = {}): Promise<number> =>
      (await ask(prover, path, body, options)).status;
    expect(await of('/prove/file', message)).toBe(200);
    expect(await of('/prove/file', more.message)).toBe(413);
    expect(await of('/prove/file', message, { method: 'GET' })).toBe(405);
    expect(await of('/prove/file', message, { type: 'text/plain' })).toBe(415);
    expect(await of('/prove/none', message)).toBe(404);
    expect(await of('/', message)).toBe(404);
    expect(await of('/prove/file', new Uint8Array(0))).toBe(400);
    expect(await of('/extents/0011223344556677', message)).toBe(400);
    const other = await stored('other', 4 * BLOCK);
    expect(await of('/prove/file', (await challengeFor(other, range(4))).message)).toBe(400);
    expect(await of('/prove/file', new Uint8Array(1024 * 1024 + 1)).catch(() => 413)).toBe(413);
  });

  test(`sends nothing that ends the prover (seed ${SEED})`, async () => {
    const prover = await serve();
    const random = randomFrom(SEED);
    const { message } = await challengeFor(tag);
    const counts = new Map<number, number>();
    for (let i = 0; i < 300; i += 1) {
      const { status } = await ask(prover, '/prove/file', mutate(random, new Uint8Array(message)));
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    expect([...counts.keys()].filter((status) => status !== 200 && status !== 400)).toEqual([]);
    expect((await ask(prover, '/prove/file', message)).status).toBe(200);
  });

  test('that says nothing, or little by little, is cut off; the others are served meanwhile', async () => {
    const prover = await serve({ requestMs: 300 });
    const { port } = new URL(prover.url);
    const ends = [
      '',
      'POST /prove/file HTTP/1.1\r\nhost: x\r\n',
      'POST /prove/file HTTP/1.1\r\nhost: x\r\ncontent-type: application/cbor\r\ncontent-length: 100\r\n\r\nabc',
      '\0\0\0\r\n\r\n',
    ].map(
      (begin) =>
        new Promise<void>((resolve) => {
          const socket = connect(Number(port), '127.0.0.1', () => socket.write(begin));
          socket.on('error', () => undefined);
          socket.on('data', () => undefined);
          socket.on('close', () => resolve());
        }),
    );
    expect((await ask(prover, '/prove/file', (await challengeFor(tag)).message)).status).toBe(200);
    await Promise.all(ends);
  }, 20_000);

  test('gets no more proofs at once than there are to be, and one that takes too long ends', async () => {
    const prover = await serve({ proofsAtOnce: 0 });
    expect((await ask(prover, '/prove/file', (await challengeFor(tag)).message)).status).toBe(503);
    const hasty = await serve({ proofMs: 0 });
    const big = await stored('big', 3000 * BLOCK);
    expect((await ask(hasty, '/prove/big', (await challengeFor(big, range(3000))).message)).status).toBe(503);
  });
});

test('a stretch of a file is proven from tags in a set, as an enclave asks', async () => {
  const length = 3 * BLOCK + 9;
  const fileTag = await stored('stretch', length);
  const set = '00112233445566aa';
  mkdirSync(join(root, '.cloister-audit', set), { recursive: true });
  writeFileSync(join(root, '.cloister-audit', set, 'public'), keys.public);
  writeFileSync(
    join(root, '.cloister-audit', set, '0123456789abcdef'),
    Buffer.concat([Buffer.alloc(48), readFileSync(join(root, 'stretch.tags'))]),
  );
  writeFileSync(join(root, 'long'), Buffer.concat([Buffer.alloc(1000), readFileSync(join(root, 'stretch'))]));
  const prover = await serve();
  const challenge = await challengeFor(fileTag);
  const wish = {
    path: 'long',
    offset: 1000,
    pack: '0123456789abcdef',
    tagsAt: 48,
    fileTag,
    challenge: challenge.message,
  };
  const reply = await ask(prover, `/extents/${set}`, encodeRecord(wish));
  expect(reply.status).toBe(200);
  expect(await verdict(fileTag, challenge, reply)).toEqual({ accepted: true });
  for (const [wrong, status] of [
    [{ path: '../outside' }, 404],
    [{ path: 'nothing' }, 404],
    [{ pack: '../public' }, 400],
    [{ pack: '0123456789abcdee' }, 404],
    [{ offset: -1 }, 400],
    [{ fileTag: new Uint8Array(3) }, 500],
  ] as const)
    expect([wrong, (await ask(prover, `/extents/${set}`, encodeRecord({ ...wish, ...wrong }))).status]).toEqual([
      wrong,
      status,
    ]);
  const elsewhere = await ask(prover, `/extents/${set}`, encodeRecord({ ...wish, offset: 0 }));
  expect(await verdict(fileTag, challenge, elsewhere)).toMatchObject({ accepted: false });
});
