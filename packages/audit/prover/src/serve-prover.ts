import { readFile, realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Primitives } from '@cloister/crypto';
import { CHALLENGE_TYPE, PROOF_TYPE, PROVER_READ_BYTES_MAX, PROVER_REQUEST_BYTES_MAX } from '@cloister/protocol';
import { answerRequest, type ProverAnswer, type Served } from './answer.ts';
import { keyScheme } from './key-scheme.ts';

export interface ProverOptions {
  readonly directory: string;
  /** Where NAME.tags and NAME.tau lie; beside the files unless told. */
  readonly tags?: string | undefined;
  /** Of files that were tagged step by step, one for each scheme. */
  readonly publicKeys?: readonly string[] | undefined;
  readonly host?: string | undefined;
  /** 0 for a free one. */
  readonly port?: number | undefined;
  readonly proofsAtOnce?: number | undefined;
  readonly readMax?: number | undefined;
  /** Milliseconds that one proof may take. */
  readonly proofMs?: number | undefined;
  /** Milliseconds that a request may take to arrive. */
  readonly requestMs?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface Prover {
  readonly url: string;
  close(): Promise<void>;
}

const DEFAULTS = { proofsAtOnce: 4, readMax: PROVER_READ_BYTES_MAX, proofMs: 120_000, requestMs: 15_000 } as const;
const CONNECTIONS_MAX = 256;
const HEADER_BYTES_MAX = 16 * 1024;
/** A connection on which nothing happens for so long is closed. */
const IDLE_MS = 30_000;
const RETRY_AFTER_S = 1;
/** Answers that nobody may keep: a challenge is never asked twice. */
const NEVER_KEPT = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/**
 * Serves proofs of the files below a directory, and reads only. It has no secret. Whoever may ask can learn the data: a proof is a
 * linear combination of blocks, or holds them.
 * @throws what reading the directory and the keys, and listening, throws
 */
export async function serveProver(primitives: Primitives, options: ProverOptions): Promise<Prover> {
  const { proofsAtOnce = DEFAULTS.proofsAtOnce, proofMs = DEFAULTS.proofMs, host = '127.0.0.1', log } = options;
  const { requestMs = DEFAULTS.requestMs } = options;
  const directory = await realpath(options.directory);
  const served: Served = {
    directory,
    tags: options.tags === undefined ? directory : await realpath(options.tags),
    publicKeys: new Map(await Promise.all((options.publicKeys ?? []).map(publicKeyFile))),
    readMax: options.readMax ?? DEFAULTS.readMax,
  };
  let underWay = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const begun = performance.now();
    const target = request.url ?? '';
    const finish = (
      status: number,
      type: string,
      body: Uint8Array | string,
      more: Record<string, string> = {},
    ): void => {
      log?.(
        `${status} ${JSON.stringify(target).slice(0, 200)} ${body.length} bytes, ${Math.round(performance.now() - begun)} ms`,
      );
      response.writeHead(status, {
        ...NEVER_KEPT,
        'content-type': type,
        'content-length': Buffer.byteLength(body),
        ...more,
      });
      response.end(body);
    };
    const refuse = (status: number, why: string, more?: Record<string, string>): void =>
      finish(status, 'text/plain; charset=utf-8', `${why}\n`, more);
    // The rest of a body that nobody reads ends its connection.
    const refuseUnread = (status: number, why: string, more?: Record<string, string>): void =>
      refuse(status, why, { connection: 'close', ...more });
    const busy = { 'retry-after': String(RETRY_AFTER_S) };

    if (request.method !== 'POST') return refuseUnread(405, 'Ask with POST', { allow: 'POST' });
    if (request.headers['content-type'] !== CHALLENGE_TYPE) return refuseUnread(415, `Send ${CHALLENGE_TYPE}`);
    const body = await bodyOf(request);
    if (body === undefined) return refuseUnread(413, `A request has at most ${PROVER_REQUEST_BYTES_MAX} bytes`);
    if (underWay >= proofsAtOnce) return refuse(503, 'Too much at once', busy);

    underWay += 1;
    const abort = new AbortController();
    const clock = setTimeout(() => abort.abort(), proofMs);
    response.once('close', () => abort.abort());
    let result: ProverAnswer;
    try {
      result = await answerRequest(primitives, served, target, body, abort.signal);
    } finally {
      clearTimeout(clock);
      underWay -= 1;
    }
    if (result.status === 200) finish(200, PROOF_TYPE, result.proof);
    else refuse(result.status, result.why, result.status === 503 ? busy : {});
  }

  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(5000, requestMs),
      keepAliveTimeout: IDLE_MS,
    },
    (request, response) => {
      // A client that goes away, or sends no HTTP, is no concern of the others.
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      answer(request, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(Math.max(IDLE_MS, proofMs + IDLE_MS));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function publicKeyFile(path: string): Promise<readonly [scheme: string, key: Uint8Array]> {
  const key = await readFile(path);
  const scheme = keyScheme(key);
  if (scheme === undefined) throw new Error(`"${path}" is no key`);
  return [scheme, key];
}

/** A request's body; undefined for one that is too long, of which the rest is not read. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  if (Number(request.headers['content-length'] ?? 0) > PROVER_REQUEST_BYTES_MAX) return undefined;
  for await (const part of request) {
    length += (part as Buffer).length;
    if (length > PROVER_REQUEST_BYTES_MAX) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}
