import { setTimeout as sleep } from 'node:timers/promises';
import type { Loss } from '@cloister/protocol';
import type { Dispatcher } from 'undici';
import { type Meter, unmetered } from './meter.ts';
import { StoreLoss } from './store.ts';
import { undiciPool } from './undici-pool.ts';

/** A connection on which nothing comes for so long is given up, and so is an answer that is not whole by then. */
const SILENCE_MS = 30_000;
const DEADLINE_MS = 300_000;
/** What is passing is tried again after 0.1, 0.2, 0.4 s and so on, each with up to as much again by chance. */
const ATTEMPTS = 5;
const BACKOFF_MS = 100;
/** No server's wish to wait longer is granted. */
const RETRY_AFTER_MAX_MS = 20_000;
const CONNECTIONS = 64;
/** After so many requests in a row that came to nothing, nobody is asked again: thousands of others would take days. */
const IN_VAIN_MAX = 256;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly origin: URL;
  /** As it is sent, with its query: a URL's parser would take `..` in an object's name for a folder. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** What it moves with a good answer, of which the meter knows: the most, where `isAtMost` says so. */
  readonly bytes: number;
  readonly isAtMost?: true;
  /** A longer body is not taken: the answer is `unknown`, or has none where an empty one means the same. */
  readonly bodyMax: number;
  readonly whenLonger?: 'empty';
}

/** Requests over connections that stay open. */
export interface HttpClient {
  /**
   * One answer; what is passing (a lost connection, silence, 408, 429, 5xx, unless told) is tried again, with what `prepare`
   * makes anew each time. @throws StoreLoss `timed-out`, `unreachable`, `throttled`, `unknown`
   */
  send(prepare: () => HttpRequest): Promise<Reply>;
  close(): void;
}

export interface HttpClientOptions {
  readonly meter?: Meter | undefined;
  readonly attempts?: number;
  readonly silenceMs?: number;
  readonly deadlineMs?: number;
  readonly backoffMs?: number;
  readonly connections?: number;
  /** What a status that will pass means; undefined for one that is an answer. */
  readonly passing?: (status: number) => Loss | undefined;
  /** Whether who lets one wait is asked again. */
  readonly asksAfterSilence?: boolean;
}

export function httpClient(options: HttpClientOptions = {}): HttpClient {
  const { meter = unmetered, attempts = ATTEMPTS, backoffMs = BACKOFF_MS } = options;
  const { silenceMs = SILENCE_MS, deadlineMs = DEADLINE_MS, connections = CONNECTIONS } = options;
  const { passing = passingLoss, asksAfterSilence = true } = options;
  /** Of one server each; of connections that are kept, or of one for each request. */
  const pools = new Map<string, Dispatcher>();
  const poolOptions = {
    ...{ connections, pipelining: 1, headersTimeout: silenceMs, bodyTimeout: silenceMs },
    connect: { timeout: silenceMs },
  };
  let isClosed = false;
  /** Before, no connection can be one that is kept. */
  let hasAnswered = false;
  let inVain = 0;
  /** The last of them. */
  let given: StoreLoss | undefined;

  async function poolOf(origin: string, isKept: boolean): Promise<Dispatcher> {
    const name = `${isKept} ${origin}`;
    const known = pools.get(name);
    if (known !== undefined) return known;
    const { Pool } = await undiciPool();
    if (isClosed) throw new StoreLoss('unreachable', 'Nobody is asked any more');
    const made = pools.get(name) ?? new Pool(origin, poolOptions);
    pools.set(name, made);
    return made;
  }

  /** Undefined where what may be a kept connection was lost before a safe request had an answer. */
  async function once(asked: HttpRequest, isKept: boolean): Promise<Reply | undefined> {
    const { method, origin, path, headers, body, bodyMax, whenLonger } = asked;
    const pool = await poolOf(origin.origin, isKept);
    return new Promise((resolve, reject) => {
      let request: Dispatcher.DispatchController | undefined;
      let loss: StoreLoss | undefined;
      const giveUp = (why: StoreLoss): void => {
        loss ??= why;
        reject(loss);
        request?.abort(loss);
      };
      const deadline = setTimeout(
        () => giveUp(new StoreLoss('timed-out', `"${origin.host}" does not answer`)),
        deadlineMs,
      );
      const parts: Buffer[] = [];
      let length = 0;
      let head: Omit<Reply, 'body'> | undefined;
      pool.dispatch(
        { method, path, headers, body: body ?? null, reset: !isKept },
        {
          onRequestStart(controller) {
            request = controller;
            if (loss !== undefined) controller.abort(loss);
          },
          onResponseStart(_, status, received) {
            hasAnswered = true;
            head = { status, headers: received };
          },
          onResponseData(_, part) {
            length += part.length;
            if (length <= bodyMax) return void parts.push(part);
            if (whenLonger === 'empty') resolve({ ...head!, body: new Uint8Array(0) });
            giveUp(new StoreLoss('unknown', `"${origin.host}" sent more than was asked for`));
          },
          onResponseEnd() {
            clearTimeout(deadline);
            resolve({ ...head!, body: parts.length === 1 ? parts[0]! : Buffer.concat(parts) });
          },
          onResponseError(_, error) {
            clearTimeout(deadline);
            const mayBeClosed = isKept && hasAnswered && loss === undefined && head === undefined;
            if (mayBeClosed && SAFE.has(method) && isBrokenOff(error)) resolve(undefined);
            else reject(loss ?? lossOf(error));
          },
        },
      );
    });
  }

  return {
    async send(prepare) {
      if (given !== undefined && inVain >= IN_VAIN_MAX) throw given;
      let isKept = true;
      for (let attempt = 0; ; attempt += 1) {
        let loss: StoreLoss;
        let wait = backoffMs * 2 ** attempt * (1 + Math.random());
        try {
          const request = prepare();
          await meter.take(request.bytes);
          const reply = await once(request, isKept);
          if (reply === undefined) {
            // The server had closed it, which is no fault (RFC 9112, 9.3.1): nginx does so after 412, having said that it keeps it.
            isKept = false;
            attempt -= 1;
            continue;
          }
          if (request.isAtMost) meter.giveBack(request.bytes - (request.body?.length ?? 0) - reply.body.length);
          const passes = passing(reply.status);
          if (passes === undefined) {
            inVain = 0;
            return reply;
          }
          loss = new StoreLoss(passes, `"${request.origin.host}" answers with status ${reply.status}`);
          const wish = 1000 * Number(headerOf(reply, 'retry-after') ?? 0);
          if (wish > 0) wait = Math.min(wish, RETRY_AFTER_MAX_MS);
        } catch (error) {
          if (!(error instanceof StoreLoss) || error.loss === 'unknown' || error.loss === 'throttled') throw error;
          if (error.loss === 'timed-out' && !asksAfterSilence) throw error;
          loss = error;
        }
        if (attempt + 1 >= attempts) {
          inVain += 1;
          given = loss;
          throw loss;
        }
        await sleep(wait);
      }
    },
    close() {
      isClosed = true;
      for (const pool of pools.values()) void pool.destroy();
    },
  };
}

/** A header's value, the first of several. */
export function headerOf({ headers }: Pick<Reply, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'object' ? value[0] : value;
}

function passingLoss(status: number): Loss | undefined {
  if (status === 408) return 'timed-out';
  // S3 says 503 SlowDown; others 429 (RFC 6585).
  if (status === 429 || status === 503) return 'throttled';
  return status >= 500 ? 'unreachable' : undefined;
}

/** They change nothing (RFC 9110, 9.2.1). */
const SAFE: ReadonlySet<HttpRequest['method']> = new Set(['GET', 'HEAD']);

const isBrokenOff = ({ code, message }: Error & { readonly code?: string }): boolean =>
  code === 'ECONNRESET' || code === 'EPIPE' || message === 'other side closed';

function lossOf(error: Error): StoreLoss {
  if (error instanceof StoreLoss) return error;
  const code = (error as { code?: string }).code ?? '';
  // What came is not HTTP, or has no end of headers.
  const isNoHttp = error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW';
  const loss = isNoHttp ? 'unknown' : /TIMEOUT$|^ETIMEDOUT$/.test(code) ? 'timed-out' : 'unreachable';
  return new StoreLoss(loss, error.message || code);
}
