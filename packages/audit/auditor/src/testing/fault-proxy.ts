import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Loss } from '@cloister/protocol';

/** A stretch of an object that was asked for. */
export interface Asked {
  /** As it stands in the request. */
  readonly url: string;
  readonly from: number;
  /** Of the bytes that there are, not beyond the object's end. */
  readonly length: number;
  /** How often just this was asked for before. */
  readonly times: number;
}

/** An honest answer on its way back, which a fault may change. */
export interface Passing {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** What a way to a store, or the store, does wrong. */
export interface Fault {
  readonly name: string;
  /** It does not happen to the same request a second time. */
  readonly once?: boolean;
  /** What is said of its blocks when it lasts: a loss; `flipped` for those bytes that it changed; `same` for none. */
  readonly verdict: Loss | 'flipped' | 'same';
  /** Instead of an answer. */
  readonly instead?: (response: ServerResponse) => void | Promise<void>;
  /** Changes an answer; returns the bytes that are not what they were, counted from the beginning of the range. */
  readonly change?: (answer: Passing, asked: Asked) => readonly number[];
}

const status =
  (code: number, body = '', headers = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end(body);
const cut = (response: ServerResponse): void => void response.socket?.destroy();
const cutInside = (response: ServerResponse): void => {
  response.writeHead(206, { 'content-length': 4096 });
  response.write(Buffer.alloc(100), () => response.socket?.destroy());
};
const silence = (): void => undefined;
const none: readonly number[] = [];

const flip = (answer: Passing, { from }: Asked): readonly number[] => {
  if (answer.body.length === 0) return none;
  const at = (from * 7 + 13) % answer.body.length;
  answer.body[at]! ^= 1 << (from % 8);
  return [at];
};
/** Other bytes than were asked for, under the right name: each block is wrong. */
const otherBytes = (answer: Passing): readonly number[] => {
  for (let at = 0; at < answer.body.length; at += 1) answer.body[at]! ^= 0x55;
  return Array.from(answer.body.keys());
};
const otherRange = (answer: Passing): readonly number[] => {
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(answer.headers['content-range']));
  if (range === null) answer.status = 206;
  else answer.headers['content-range'] = `bytes ${Number(range[1]) + 1}-${Number(range[2]) + 1}/${range[3]}`;
  return none;
};
const partOf = (answer: Passing, { from, length }: Asked): readonly number[] => {
  answer.status = 206;
  const half = Math.floor(length / 2);
  answer.headers['content-range'] = `bytes ${from}-${from + half - 1}/*`;
  answer.headers['content-length'] = String(half);
  answer.body = answer.body.subarray(0, half);
  return none;
};
const anotherState = (answer: Passing): readonly number[] => {
  answer.headers.etag = '"00000000000000000000000000000000"';
  return none;
};

/** Each has a verdict of its own. */
export const FAULTS: readonly Fault[] = [
  { name: 'connection cut', verdict: 'unreachable', instead: cut },
  { name: 'connection cut once', once: true, verdict: 'same', instead: cut },
  { name: 'cut inside an answer', verdict: 'unreachable', instead: cutInside },
  { name: 'cut inside an answer once', once: true, verdict: 'same', instead: cutInside },
  { name: 'status 500', verdict: 'unreachable', instead: status(500) },
  { name: 'status 503', verdict: 'throttled', instead: status(503, '<Code>SlowDown</Code>') },
  { name: 'status 503 once', once: true, verdict: 'same', instead: status(503) },
  { name: 'refused', verdict: 'unreachable', instead: status(403, '<Code>AccessDenied</Code>') },
  { name: 'archived', verdict: 'archived', instead: status(403, '<Code>InvalidObjectState</Code>') },
  { name: 'delete marker', verdict: 'missing', instead: status(404, '', { 'x-amz-delete-marker': 'true' }) },
  { name: 'changed since', verdict: 'stale', instead: status(412) },
  { name: 'another entity tag', verdict: 'stale', change: anotherState },
  {
    name: 'an older copy, and says so',
    verdict: 'stale',
    change: (answer) => {
      otherBytes(answer);
      return anotherState(answer);
    },
  },
  { name: 'an older copy under the newest tag', verdict: 'flipped', change: otherBytes },
  { name: 'another range', verdict: 'unknown', change: otherRange },
  { name: 'half a range', verdict: 'unknown', change: partOf },
  { name: 'moved', verdict: 'unknown', instead: status(307, '', { location: 'http://elsewhere.invalid/' }) },
  { name: 'a flipped bit', verdict: 'flipped', change: flip },
  { name: 'a flipped bit once', once: true, verdict: 'flipped', change: flip },
  { name: 'a short delay', verdict: 'same', change: () => none },
];
/** It costs as many times the silence that is borne as there are attempts. */
export const SILENCE: Fault = { name: 'silence', verdict: 'timed-out', instead: silence };

/** A way to a store that is not to be relied on. */
export interface FaultProxy {
  readonly endpoint: string;
  /** What to do to a request for an object's bytes; undefined: nothing. */
  choose: ((asked: Asked) => Fault | undefined) | undefined;
  /** What to do to all other requests. */
  listing: Fault | undefined;
  /** Forgets what was served. */
  begin(): void;
  /** What each block's verdict has to be, by `URL BLOCK`; only those that are not intact. */
  expected(): ReadonlyMap<string, string>;
  /** How often each fault was served since it was started. */
  readonly served: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function faultProxy(target: string, blockBytes: number): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let seen = new Map<string, number>();
  /** What came of each block, each time it was asked for. */
  let blocks = new Map<string, string[]>();
  const served = new Map<string, number>();

  function forward(incoming: IncomingMessage): Promise<Passing> {
    return new Promise((resolve, reject) => {
      const { method, url, headers } = incoming;
      const onward = request({ hostname, port, agent, method, path: url, headers, timeout: 20_000 });
      onward.on('error', reject).on('timeout', () => onward.destroy(new Error('The store does not answer')));
      onward.on('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part)).on('error', reject);
        response.on('end', () =>
          resolve({
            ...{ status: response.statusCode ?? 0, headers: { ...response.headers } },
            body: Buffer.concat(parts),
          }),
        );
      });
      onward.end();
    });
  }

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = incoming.url ?? '';
    const isObject = incoming.method === 'GET' && !url.includes('?');
    const range = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const length = range === null ? 0 : Number(range[2]) + 1 - from;
    const key = `${url} ${from} ${length}`;
    const times = seen.get(key) ?? 0;
    seen.set(key, times + 1);
    const asked: Asked = { url, from, length, times };
    let fault = isObject ? proxy.choose?.(asked) : proxy.listing;
    if (fault?.once === true && times > 0) fault = undefined;
    // Nothing can be wrong with the bytes of an empty answer.
    if (fault?.change !== undefined && length === 0) fault = undefined;
    const note = (verdictOf: (block: number) => string): void => {
      if (!isObject) return;
      for (let at = from; at === from || at < from + length; at += blockBytes) {
        const block = `${url} ${at / blockBytes}`;
        blocks.set(block, [...(blocks.get(block) ?? []), verdictOf((at - from) / blockBytes)]);
      }
    };
    if (fault !== undefined) served.set(fault.name, (served.get(fault.name) ?? 0) + 1);
    if (fault?.instead !== undefined) {
      note(() => (fault.verdict === 'same' ? 'unreachable' : fault.verdict));
      await fault.instead(response);
      return;
    }
    const passing = await forward(incoming);
    const wrong = fault?.change?.(passing, asked) ?? none;
    if (fault?.name === 'a short delay') await sleep(20);
    const bad = new Set(wrong.map((at) => Math.floor(at / blockBytes)));
    note((block) =>
      fault === undefined || fault.verdict === 'same'
        ? passing.status === 412
          ? 'stale'
          : 'intact'
        : fault.verdict !== 'flipped'
          ? fault.verdict
          : bad.has(block)
            ? 'corrupt'
            : 'intact',
    );
    response.writeHead(passing.status, passing.headers).end(passing.body);
  }

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.socket?.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    choose: undefined,
    listing: undefined,
    begin() {
      seen = new Map();
      blocks = new Map();
    },
    expected() {
      const verdicts = new Map<string, string>();
      for (const [block, all] of blocks) {
        // What was asked for again is judged by the last answer; one that was wrong before makes it unsteady.
        const verdict = all.at(-1)!;
        if (verdict !== 'intact') verdicts.set(block, verdict);
        else if (all.includes('corrupt')) verdicts.set(block, 'unsteady');
      }
      return verdicts;
    },
    served,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
