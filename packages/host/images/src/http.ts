import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import * as tls from 'node:tls';
import { fail, ImageError } from './failure.ts';

/** A response whose body has not been read. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
}

export interface HttpOptions {
  readonly proxy: string | undefined;
  /** Ask for the bytes from this offset on. */
  readonly from?: number;
  readonly signal: AbortSignal | undefined;
}

const REDIRECTS = 5;
/** A connection that brings nothing for so long is dead. */
const IDLE_MS = 30_000;

/**
 * GET, through a proxy if one is set (plain http by absolute URI, RFC 9112 3.2.2; https by CONNECT, RFC 9110 9.3.6), following
 * redirects but never from https to http. Node 20's `fetch` ignores proxies. Throws `mirror-unreachable` or `aborted`.
 */
export async function get(url: string, options: HttpOptions): Promise<HttpResponse> {
  let current = new URL(url);
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const response = await once(current, options);
    const location = response.headers.location;
    if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response;
    response.body.destroy();
    const next = URL.canParse(location, current.href) ? new URL(location, current.href) : undefined;
    const downgrade = current.protocol === 'https:' && next?.protocol !== 'https:';
    if (next === undefined || !/^https?:$/.test(next.protocol) || downgrade)
      fail('mirror-unreachable', `"${current.host}" redirects to an odd place`);
    current = next;
  }
  fail('mirror-unreachable', `"${current.host}" redirects too often`);
}

/** A body's chunks; a connection that breaks becomes `mirror-unreachable`, an abort `aborted`. */
export async function* bodyOf(
  response: HttpResponse,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of response.body) yield chunk as Uint8Array;
  } catch (error) {
    throw asNetworkError(error, 'the mirror', signal);
  } finally {
    response.body.destroy();
  }
}

async function once(url: URL, options: HttpOptions): Promise<HttpResponse> {
  const headers: http.OutgoingHttpHeaders = { 'user-agent': 'cloister', host: url.host };
  if (options.from !== undefined && options.from > 0) headers.range = `bytes=${options.from}-`;
  const base: http.RequestOptions = {
    method: 'GET',
    headers,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  try {
    const secure = url.protocol === 'https:';
    if (options.proxy === undefined) return await send(secure ? https.request(url, base) : http.request(url, base));
    const proxy = new URL(options.proxy);
    const authorization =
      proxy.username === ''
        ? {}
        : {
            'proxy-authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`,
          };
    const place = { host: proxy.hostname, port: proxy.port === '' ? 80 : Number(proxy.port) };
    if (!secure)
      return await send(http.request({ ...base, ...place, path: url.href, headers: { ...headers, ...authorization } }));
    const socket = await tunnel(url, { ...place, headers: authorization }, options.signal);
    const createConnection = () => tls.connect({ socket, servername: url.hostname });
    return await send(https.request(url, { ...base, createConnection, agent: false }));
  } catch (error) {
    throw asNetworkError(error, url.host, options.signal);
  }
}

function send(request: http.ClientRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    request.setTimeout(IDLE_MS, () => request.destroy(new Error('No answer for 30 seconds')));
    request.on('error', reject);
    request.on('response', (body) => resolve({ status: body.statusCode ?? 0, headers: body.headers, body }));
    request.end();
  });
}

function tunnel(url: URL, place: http.RequestOptions, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const path = `${url.hostname}:${url.port === '' ? 443 : url.port}`;
    const request = http.request({ ...place, method: 'CONNECT', path, ...(signal === undefined ? {} : { signal }) });
    request.setTimeout(IDLE_MS, () => request.destroy(new Error('No answer for 30 seconds')));
    request.on('error', reject);
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket);
      else reject(new Error(`The proxy answers ${response.statusCode}`));
    });
    request.end();
  });
}

function asNetworkError(error: unknown, host: string, signal: AbortSignal | undefined): ImageError {
  if (error instanceof ImageError) return error;
  if (signal?.aborted === true) return new ImageError('aborted', 'Interrupted', error);
  const reason = error instanceof Error ? ((error as { code?: string }).code ?? error.message) : String(error);
  return new ImageError('mirror-unreachable', `Cannot download from ${host} (${reason})`, error);
}
