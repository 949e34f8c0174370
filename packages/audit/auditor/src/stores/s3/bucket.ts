import { fail } from '../../audit-error.ts';
import { type HttpClient, type HttpRequest, headerOf, type Reply } from '../http-client.ts';
import { account } from './credentials.ts';
import { encodeUri, queryString, sha256Of, signer } from './sign.ts';

/** More than a clock may be wrong by before S3 refuses (RequestTimeTooSkewed): 15 minutes. */
const SKEW = 'RequestTimeTooSkewed';

export interface BucketRequest extends Pick<HttpRequest, 'method' | 'headers' | 'body' | 'bytes' | 'bodyMax'> {
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** A bucket, and what in it was named. */
export interface Bucket {
  /** As its owner named it. */
  readonly name: string;
  readonly bucket: string;
  /** What follows the bucket's name. */
  readonly path: string;
  readonly region: string;
  /** Signed as whoever asks. @throws StoreLoss */
  send(request: BucketRequest): Promise<Reply>;
}

/**
 * @param name `s3://BUCKET[/PATH][?endpoint=URL][&region=R][&path-style=true]`
 * @throws AuditError `bad-store`
 */
export async function openBucket(name: string, client: HttpClient): Promise<Bucket> {
  const { url, path: named } = parseName(name);
  const who = await account();
  const region = url.searchParams.get('region') ?? who?.region ?? 'us-east-1';
  const endpoint = new URL(url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`);
  // Endpoints that are not Amazon's rarely have a name for each bucket.
  const pathStyle = (url.searchParams.get('path-style') ?? String(url.searchParams.has('endpoint'))) === 'true';
  const bucket = url.host;
  const origin = pathStyle ? endpoint : new URL(`${endpoint.protocol}//${bucket}.${endpoint.host}`);
  const { host } = origin;
  const base = `${endpoint.pathname.replace(/\/$/, '')}${pathStyle ? `/${encodeUri(bucket)}` : ''}`;
  const sign = who === undefined ? undefined : signer(who.credentials, region);
  let skewMs = 0;
  return {
    ...{ name: url.href, bucket, path: named, region },
    async send({ key, query = {}, headers, ...rest }) {
      const { method, body } = rest;
      const path = `${base}/${encodeUri(key, true)}`;
      const search = queryString(query);
      const now = (): Date => new Date(Date.now() + skewMs);
      const prepare = (): HttpRequest => ({
        ...{ ...rest, origin, path: search === '' ? path : `${path}?${search}` },
        headers: sign?.({ method, host, path, query, headers }, now(), body && sha256Of(body)) ?? headers,
      });
      const reply = await client.send(prepare);
      if (reply.status !== 403 || !Buffer.from(reply.body).toString('latin1').includes(SKEW)) return reply;
      // This machine's clock is wrong, and the server says by how much.
      const theirs = Date.parse(headerOf(reply, 'date') ?? '');
      if (Number.isNaN(theirs)) return reply;
      skewMs = theirs - Date.now();
      return client.send(prepare);
    },
  };
}

function parseName(name: string): { readonly url: URL; readonly path: string } {
  let url: URL;
  let path: string;
  try {
    url = new URL(name);
    path = decodeURIComponent(url.pathname.slice(1));
    const endpoint = new URL(url.searchParams.get('endpoint') ?? 'https://amazonaws.com');
    if (!/^https?:$/.test(endpoint.protocol) || endpoint.username !== '') throw new Error('No endpoint');
  } catch {
    return fail('bad-store', `"${name}" is no bucket's name`);
  }
  // The name stands in receipts.
  if (url.username !== '' || url.password !== '') fail('bad-store', `A key does not belong into a store's name`);
  const known = ['endpoint', 'region', 'path-style'];
  const unknown = [...url.searchParams.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) fail('bad-store', `"${unknown}" in "${name}" is not known (known: ${known.join(', ')})`);
  if (url.host === '') fail('bad-store', `"${name}" names no bucket`);
  return { url, path };
}
