import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type AuditContext,
  addStore,
  allAudits,
  auditStatus,
  drawNonce,
  handOver,
  makePolicy,
  offerKeys,
  removeAudit,
  runAudit,
  takeOver,
} from './index.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

const BLOCK = 4096;
const warned: string[] = [];
const context: AuditContext = {
  startEnclave: enclaveHere(),
  measureEnclave: measuredHere,
  warn: (line) => warned.push(line),
};
let lab: Laboratory;
let second: SecondStore;

beforeEach(async () => {
  warned.length = 0;
  lab = laboratory();
  lab.write('file', noise(2 * BLOCK));
  second = await secondStore();
});
afterEach(async () => {
  lab.close();
  await second.close();
});

const add = (counterAt = second.url) => addStore(context, lab.store, { name: 'lab', blockBytes: BLOCK, counterAt });
const run = () => runAudit(context, 'lab');

describe('a counter at a second store', () => {
  test('goes up with each commit, and is of the audit alone', async () => {
    expect((await add()).name).toBe('lab');
    const before = second.object;
    expect(await run()).toMatchObject({ wrong: [], number: 1, facts: { counterAt: second.url } });
    expect(second.object).not.toEqual(before);
    expect(await allAudits(context)).toHaveLength(1);
    // No number stands there in the open, and no file beside the key has one.
    expect(second.object!.length).toBeLessThan(256);
    expect([...lab.kept().keys()].filter((path) => path.endsWith('.counter'))).toEqual([]);
    await expect(add(`${second.url}2`)).rejects.toMatchObject({ code: 'bad-counter' });
    await removeAudit(context, 'lab');
    expect(second.object).toBeUndefined();
    expect([...lab.kept().keys()].filter((path) => path.includes('lab'))).toEqual([]);
  });

  test('has an offer taken up once, whatever of the disk is put back', async () => {
    await addStore(context, lab.store, { name: 'home', blockBytes: BLOCK });
    const { nonce } = await drawNonce(context, 'home', Date.now());
    const { file: offer, fingerprint } = await offerKeys(context, { name: 'lab', nonce, counterAt: second.url });
    const out = join(lab.store, '..', 'handed');
    await handOver(context, 'home', { offer, policy: await makePolicy(context), fingerprint, out });
    const before = lab.kept();
    expect(await takeOver(context, out)).toMatchObject({ name: 'lab', counterAt: second.url });
    expect(await run()).toMatchObject({ wrong: [], number: 1 });
    lab.restore(before);
    await expect(takeOver(context, out)).rejects.toThrow('taken up before');
  });

  test('refuses an older copy of everything on the disk; the control: a file beside it is put back with the rest', async () => {
    await add();
    const older = lab.kept();
    await run();
    const newer = lab.kept();
    lab.restore(older);
    await expect(run()).rejects.toMatchObject({ code: 'rolled-back' });
    lab.restore(newer);
    expect(await run()).toMatchObject({ wrong: [], number: 2 });

    await addStore(context, lab.store, { name: 'control', blockBytes: BLOCK });
    const control = lab.kept();
    await runAudit(context, 'control');
    lab.restore(control);
    expect(await runAudit(context, 'control')).toMatchObject({ number: 1 });
  });

  test('not contained: both stores go back together. A second store alone that goes back is noticed', async () => {
    await add();
    const [files, object] = [lab.kept(), second.object];
    await run();
    const newer = [lab.kept(), second.object] as const;
    lab.restore(files);
    second.object = object;
    expect(await run()).toMatchObject({ number: 1 });
    lab.restore(newer[0]);
    second.object = newer[1];
    await run();
    // By two commits: what a kill leaves is one at most.
    second.object = object;
    await expect(run()).rejects.toMatchObject({
      code: 'rolled-back',
      message: expect.stringContaining('older counter'),
    });
    second.object = undefined;
    await expect(run()).rejects.toMatchObject({ code: 'rolled-back' });
    second.object = Buffer.from('cloister audit counter 0\n');
    await expect(run()).rejects.toMatchObject({ code: 'rolled-back' });
  });

  test("takes no other's mark, and none that was changed", async () => {
    await addStore(context, lab.store, { name: 'other', blockBytes: BLOCK, counterAt: second.url });
    const others = second.object!;
    second.object = undefined;
    await add();
    const own = second.object!;
    second.object = others;
    await expect(run()).rejects.toMatchObject({ code: 'bad-state' });
    for (let at = 0; at < own.length; at += 1) {
      const bent = Buffer.from(own);
      bent[at]! ^= 1;
      second.object = bent;
      await expect(run(), `byte ${at}`).rejects.toMatchObject({ code: 'bad-state' });
    }
    second.object = Buffer.alloc(1_000_000);
    await expect(run()).rejects.toMatchObject({ code: 'store-unreachable' });
    second.object = own;
    expect(await run()).toMatchObject({ wrong: [] });
  });

  test('is not exchanged for one of this host, nor for another place', async () => {
    await add();
    const kept = new Map(lab.kept());
    const path = [...kept.keys()].find((name) => name.endsWith('.counter-at'))!;
    lab.restore(new Map([...kept, [path, Buffer.from(`${second.url}-elsewhere\n`)]]));
    await expect(run()).rejects.toMatchObject({ code: 'bad-state' });
    kept.delete(path);
    lab.restore(kept);
    await expect(run()).rejects.toMatchObject({ code: 'bad-state' });
  });

  test('is behind by one after a kill between state and counter, and is brought up first', async () => {
    await add();
    const before = second.object;
    second.answer = (request, response) => request.method === 'PUT' && void response.writeHead(403).end();
    await expect(run()).rejects.toMatchObject({ code: 'store-unreachable' });
    second.answer = undefined;
    expect(second.object).toEqual(before);
    // Only opened: nothing is committed.
    await auditStatus(context, 'lab');
    expect(second.object).not.toEqual(before);
    expect(await run()).toMatchObject({ wrong: [] });
  });

  test('was killed before its first mark: the next one goes on', async () => {
    second.answer = (request, response) =>
      request.method === 'PUT' && second.puts > 4 && void response.writeHead(403).end();
    await expect(add()).rejects.toMatchObject({ code: 'store-unreachable' });
    second.answer = undefined;
    await add();
    expect(await run()).toMatchObject({ wrong: [], number: 1 });
  });

  test('a lost answer to a write that was done is no brick', async () => {
    let lost = 0;
    let isTold = true;
    second.answer = (request, response) => {
      if (request.method !== 'PUT' || !second.willDo) return false;
      isTold = !isTold;
      if (isTold) return false;
      second.do();
      lost += 1;
      response.destroy();
      return true;
    };
    await add();
    expect(await run()).toMatchObject({ wrong: [], number: 1 });
    expect(lost).toBeGreaterThan(1);
  });

  test('two that go on from copies of one state: one goes on, the other is told, then and ever after', async () => {
    await add();
    const copy = lab.kept();
    // Both have read the counter before either writes: the second is let in when the first wants to write.
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let arrived: () => void = () => undefined;
    const isThere = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    second.before = async (request) => {
      if (request.method !== 'PUT') return;
      second.before = undefined;
      arrived();
      await held;
    };
    const slow = run().catch((error: unknown) => error);
    await isThere;
    // The same state on another machine: its own directory, and its own lock.
    const other = laboratory();
    try {
      other.restore(copy);
      expect(await runAudit(context, 'lab')).toMatchObject({ wrong: [], number: 1 });
      process.env.CLOISTER_HOME = lab.home;
      release();
      expect(await slow).toMatchObject({ code: 'other-writer' });
      // Both are number n now, and only one of them is the counter's.
      await expect(run()).rejects.toMatchObject({ code: 'rolled-back' });
      process.env.CLOISTER_HOME = other.home;
      expect(await runAudit(context, 'lab')).toMatchObject({ wrong: [], number: 2 });
    } finally {
      other.close();
    }
  });

  test('two audits that want one object: one has it', async () => {
    const both = await Promise.allSettled(
      ['one', 'two'].map((name) => addStore(context, lab.store, { name, blockBytes: BLOCK, counterAt: second.url })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('what can keep no counter says so before there is an audit', () => {
  const CASES: readonly (readonly [string, Partial<Pick<SecondStore, 'conditions' | 'tags'>>])[] = [
    ['a server that knows no conditions', { conditions: [] }],
    ['a server that knows If-None-Match alone', { conditions: ['if-none-match'] }],
    ['a server that knows If-Match alone', { conditions: ['if-match'] }],
    ['a server with weak entity tags', { tags: 'weak' }],
    ['a server without entity tags', { tags: 'none' }],
  ];
  test.each(CASES)('%s', async (_what, ways) => {
    Object.assign(second, ways);
    await expect(add()).rejects.toMatchObject({ code: 'bad-counter' });
    expect([...lab.kept().keys()].filter((path) => path.includes('audit-keys'))).toEqual([]);
  });

  test('a place where something lies', async () => {
    second.object = Buffer.from('a photograph');
    await expect(add()).rejects.toMatchObject({ code: 'bad-counter' });
    expect(second.object).toEqual(Buffer.from('a photograph'));
  });

  test.each([
    ['no URL', 'nonsense'],
    ['another protocol', 'ftp://host/object'],
    ['no object', 'https://host/'],
    ['a folder', 's3://bucket/folder/'],
    ['a password', 'https://user:word@host/object'],
    ['an option that is none', 's3://bucket/object?regoin=x'],
  ])('%s', async (_what, name) => {
    await expect(add(name)).rejects.toMatchObject({ code: expect.stringMatching(/^bad-(counter|store)$/) });
  });

  test('nobody there, and a store that takes no writes', async () => {
    second.answer = (request, response) => request.method === 'PUT' && void response.writeHead(405).end();
    await expect(add()).rejects.toMatchObject({ code: 'store-unreachable' });
    await second.close();
    await expect(add()).rejects.toMatchObject({ code: 'store-unreachable' });
  }, 30_000);

  test('an object that may not be removed stays, and rm says so', async () => {
    second.answer = (request, response) => request.method === 'DELETE' && void response.writeHead(403).end();
    await add();
    await removeAudit(context, 'lab');
    expect(warned).toEqual([expect.stringContaining(second.url)]);
  });
});

/** A server with one object, replaced on conditions (RFC 9110, 13.1). */
interface SecondStore {
  readonly url: string;
  object: Buffer | undefined;
  conditions: readonly string[];
  tags: 'strong' | 'weak' | 'none';
  /** PUTs that came. */
  readonly puts: number;
  /** Whether the request at hand would be carried out, and what does so. */
  readonly willDo: boolean;
  do(): void;
  /** Asked first; true where it has answered. */
  answer: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined;
  before: ((request: IncomingMessage) => Promise<void>) | undefined;
  close(): Promise<void>;
}

async function secondStore(): Promise<SecondStore> {
  let puts = 0;
  let willDo = false;
  let carryOut: () => void = () => undefined;
  const server: Server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    await store.before?.(request);
    const { object, conditions } = store;
    const tag = object && `"${createHash('sha256').update(object).digest('hex').slice(0, 32)}"`;
    const condition = (name: string): string | undefined =>
      conditions.includes(name) ? (request.headers[name] as string | undefined) : undefined;
    const [match, noneMatch] = [condition('if-match'), condition('if-none-match')];
    willDo = (match === undefined || match === tag) && (noneMatch !== '*' || object === undefined);
    if (request.method === 'PUT') puts += 1;
    carryOut = () => {
      if (request.method === 'PUT') store.object = Buffer.concat(parts);
      if (request.method === 'DELETE') store.object = undefined;
    };
    if (store.answer?.(request, response) === true || response.writableEnded) return;
    if (request.method === 'GET') {
      if (object === undefined) return void response.writeHead(404).end();
      const tags = { strong: { etag: tag }, weak: { etag: `W/${tag}` }, none: {} }[store.tags];
      return void response.writeHead(200, tags as Record<string, string>).end(object);
    }
    if (!willDo) return void response.writeHead(412).end();
    carryOut();
    response.writeHead(request.method === 'PUT' ? 201 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const store: SecondStore = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${randomUUID()}`,
    object: undefined,
    conditions: ['if-match', 'if-none-match'],
    tags: 'strong',
    get puts() {
      return puts;
    },
    get willDo() {
      return willDo;
    },
    do: () => carryOut(),
    answer: undefined,
    before: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return store;
}
