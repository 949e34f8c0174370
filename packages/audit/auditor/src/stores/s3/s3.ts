import { fail } from '../../audit-error.ts';
import { httpClient } from '../http-client.ts';
import { ERROR_BODY_MAX, rangeHeader, rangeOf } from '../ranged-read.ts';
import { type Store, StoreLoss } from '../store.ts';
import { account } from './credentials.ts';
import { LISTING_BYTES_MAX, parseListing } from './listing.ts';
import { encodeUri, queryString, signer } from './sign.ts';

/** More than a clock may be wrong by before S3 refuses (RequestTimeTooSkewed): 15 minutes. */
const SKEW = 'RequestTimeTooSkewed';

/**
 * What lies below a prefix of a bucket, read with ranged GETs that are pinned to the object's entity tag. It needs leave to
 * list the bucket and to get objects, and no other.
 * @param name `s3://BUCKET[/PREFIX][?endpoint=URL][&region=R][&path-style=true]`
 * @throws AuditError `bad-store`
 */
export async function s3Store(name: string, client = httpClient()): Promise<Store> {
  const url = parseName(name);
  const who = await account();
  const region = url.searchParams.get('region') ?? who?.region ?? 'us-east-1';
  const endpoint = new URL(url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`);
  // Endpoints that are not Amazon's rarely have a name for each bucket.
  const pathStyle = (url.searchParams.get('path-style') ?? String(url.searchParams.has('endpoint'))) === 'true';
  const bucket = url.host;
  const prefix = decodeURIComponent(url.pathname.slice(1));
  const host = pathStyle ? endpoint.host : `${bucket}.${endpoint.host}`;
  const base = `${endpoint.pathname.replace(/\/$/, '')}${pathStyle ? `/${encodeUri(bucket)}` : ''}`;
  const sign = who === undefined ? undefined : signer(who.credentials, region);
  let skewMs = 0;

  async function send(
    method: 'GET' | 'HEAD',
    key: string,
    query: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
    bodyMax: number,
  ) {
    const path = `${base}/${encodeUri(key, true)}`;
    const search = queryString(query);
    const target = new URL(`${endpoint.protocol}//${host}${path}${search === '' ? '' : `?${search}`}`);
    const prepare = () => ({
      ...{ method, url: target, bodyMax },
      headers: sign?.({ method, host, path, query, headers }, new Date(Date.now() + skewMs)) ?? headers,
    });
    const reply = await client.send(prepare);
    if (reply.status !== 403 || !Buffer.from(reply.body).toString('latin1').includes(SKEW)) return reply;
    // This machine's clock is wrong, and the server says by how much.
    const theirs = Date.parse(reply.headers.date ?? '');
    if (Number.isNaN(theirs)) return reply;
    skewMs = theirs - Date.now();
    return client.send(prepare);
  }

  return {
    name: url.href,
    async *list() {
      for (let token: string | undefined, more = true; more; ) {
        const query = {
          ...{ 'list-type': '2', 'encoding-type': 'url', prefix },
          ...(token === undefined ? {} : { 'continuation-token': token }),
        };
        const { status, body } = await send('GET', '', query, {}, LISTING_BYTES_MAX);
        if (status === 404) throw new StoreLoss('missing', `There is no bucket "${bucket}"`);
        if (status !== 200) throw new StoreLoss('unreachable', `"${bucket}" may not be listed (status ${status})`);
        const page = parseListing(Buffer.from(body).toString('utf8'), prefix);
        yield* page.objects;
        token = page.next;
        more = token !== undefined;
      }
    },
    async read(path, pin, offset, length) {
      const what = `"${path}"`;
      if (length === 0) {
        const { status } = await send('HEAD', prefix + path, {}, { 'if-match': pin }, 0);
        return rangeOf(
          { status: status === 200 ? 416 : status, headers: {}, body: new Uint8Array(0) },
          what,
          pin,
          0,
          0,
        );
      }
      const headers = { 'if-match': pin, range: rangeHeader(offset, length) };
      const reply = await send('GET', prefix + path, {}, headers, Math.max(length, ERROR_BODY_MAX));
      return rangeOf(reply, what, pin, offset, length);
    },
    close: async () => client.close(),
  };
}

function parseName(name: string): URL {
  let url: URL;
  try {
    url = new URL(name);
    const endpoint = url.searchParams.get('endpoint');
    if (endpoint !== null && !/^https?:$/.test(new URL(endpoint).protocol)) throw new Error('No endpoint');
  } catch {
    return fail('bad-store', `"${name}" is no bucket's name`);
  }
  const known = ['endpoint', 'region', 'path-style'];
  const unknown = [...url.searchParams.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) fail('bad-store', `"${unknown}" in "${name}" is not known (known: ${known.join(', ')})`);
  if (url.host === '') fail('bad-store', `"${name}" names no bucket`);
  return url;
}
