import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Loss } from '@cloister/protocol';
import { StoreLoss } from './store.ts';

/** A request that has sent nothing for so long is given up. */
const SILENCE_MS = 30_000;
/** What is passing is tried again after 0.1, 0.2, 0.4 s and so on, each with up to as much again by chance. */
const ATTEMPTS = 5;
const BACKOFF_MS = 100;
/** No server's wish to wait longer is granted. */
const RETRY_AFTER_MAX_MS = 20_000;
const CONNECTIONS = 64;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A longer body is not taken. */
  readonly bodyMax: number;
}

/** Requests over connections that stay open. */
export interface HttpClient {
  /**
   * One answer; what is passing (a lost connection, silence, 429, 5xx) is tried again, with what `prepare` makes anew each
   * time. @throws StoreLoss `timed-out`, `unreachable`, `throttled`, `unknown`
   */
  send(prepare: (attempt: number) => HttpRequest): Promise<Reply>;
  close(): void;
}

export function httpClient({ silenceMs = SILENCE_MS, backoffMs = BACKOFF_MS } = {}): HttpClient {
  const options = { keepAlive: true, maxSockets: CONNECTIONS };
  const agents = { 'http:': new HttpAgent(options), 'https:': new HttpsAgent(options) };

  function once({ method, url, headers, bodyMax }: HttpRequest): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:';
      const agent = agents[secure ? 'https:' : 'http:'];
      const request = (secure ? httpsRequest : httpRequest)(url, { method, headers, agent, timeout: silenceMs });
      request.on('timeout', () => request.destroy(new StoreLoss('timed-out', `"${url.host}" does not answer`)));
      request.on('error', (error) => reject(lossOf(error)));
      request.on('response', (response: IncomingMessage) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          length += part.length;
          if (length > bodyMax)
            response.destroy(new StoreLoss('unknown', `"${url.host}" sent more than was asked for`));
          else parts.push(part);
        });
        response.on('error', (error) => reject(lossOf(error)));
        response.on('end', () => {
          if (response.complete)
            resolve({
              status: response.statusCode ?? 0,
              headers: Object.fromEntries(
                Object.entries(response.headers).map(([name, value]) => [
                  name,
                  Array.isArray(value) ? value[0] : value,
                ]),
              ),
              body: Buffer.concat(parts),
            });
          else reject(new StoreLoss('unreachable', `"${url.host}" broke off`));
        });
      });
      request.end();
    });
  }

  return {
    async send(prepare) {
      for (let attempt = 0; ; attempt += 1) {
        let loss: StoreLoss;
        let wait = backoffMs * 2 ** attempt * (1 + Math.random());
        try {
          const request = prepare(attempt);
          const reply = await once(request);
          const passing = passingLoss(reply.status);
          if (passing === undefined) return reply;
          loss = new StoreLoss(passing, `"${request.url.host}" answers with status ${reply.status}`);
          const wish = 1000 * Number(reply.headers['retry-after'] ?? 0);
          if (wish > 0) wait = Math.min(wish, RETRY_AFTER_MAX_MS);
        } catch (error) {
          if (!(error instanceof StoreLoss) || error.loss === 'unknown') throw error;
          loss = error;
        }
        if (attempt + 1 >= ATTEMPTS) throw loss;
        await sleep(wait);
      }
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function passingLoss(status: number): Loss | undefined {
  // S3 says 503 SlowDown; others 429 (RFC 6585).
  if (status === 429 || status === 503) return 'throttled';
  return status >= 500 ? 'unreachable' : undefined;
}

function lossOf(error: Error): StoreLoss {
  if (error instanceof StoreLoss) return error;
  const code = (error as { code?: string }).code ?? '';
  return new StoreLoss(code === 'ETIMEDOUT' ? 'timed-out' : 'unreachable', error.message || code);
}
