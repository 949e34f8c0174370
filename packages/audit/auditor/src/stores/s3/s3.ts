import { fail } from '../../audit-error.ts';
import { headerOf, httpClient, type Reply } from '../http-client.ts';
import { rangeOf, rangeRequest } from '../ranged-read.ts';
import { type Store, StoreLoss } from '../store.ts';
import { account } from './credentials.ts';
import { LISTING_BYTES_MAX, parseListing } from './listing.ts';
import { encodeUri, queryString, signer } from './sign.ts';

/** More than a clock may be wrong by before S3 refuses (RequestTimeTooSkewed): 15 minutes. */
const SKEW = 'RequestTimeTooSkewed';
/** More objects than a state can list: a listing without end ends there. */
const PAGES_MAX = 10_000;

/**
 * What lies below a folder of a bucket, read with ranged GETs that are pinned to the object's entity tag. It needs leave to
 * list the bucket and to get objects, and no other.
 * @param name `s3://BUCKET[/FOLDER][?endpoint=URL][&region=R][&path-style=true]`
 * @throws AuditError `bad-store`
 */
export async function s3Store(name: string, client = httpClient()): Promise<Store> {
  const { url, folder } = parseName(name);
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

  async function send(
    key: string,
    query: Readonly<Record<string, string>>,
    { headers, ...rest }: { headers: Readonly<Record<string, string>>; bytes: number; bodyMax: number },
  ): Promise<Reply> {
    const path = `${base}/${encodeUri(key, true)}`;
    const search = queryString(query);
    const prepare = () => ({
      ...{ ...rest, method: 'GET' as const, origin, path: search === '' ? path : `${path}?${search}` },
      headers: sign?.({ method: 'GET', host, path, query, headers }, new Date(Date.now() + skewMs)) ?? headers,
    });
    const reply = await client.send(prepare);
    if (reply.status !== 403 || !Buffer.from(reply.body).toString('latin1').includes(SKEW)) return reply;
    // This machine's clock is wrong, and the server says by how much.
    const theirs = Date.parse(headerOf(reply, 'date') ?? '');
    if (Number.isNaN(theirs)) return reply;
    skewMs = theirs - Date.now();
    return client.send(prepare);
  }

  /** Why a bucket cannot be listed. */
  function unlisted(reply: Reply): StoreLoss {
    if (reply.status === 404) return new StoreLoss('missing', `There is no bucket "${bucket}"`);
    const theirs = headerOf(reply, 'x-amz-bucket-region');
    if (theirs !== undefined && theirs !== region)
      return new StoreLoss('unreachable', `"${bucket}" is in the region "${theirs}", not in "${region}"`);
    return new StoreLoss('unreachable', `"${bucket}" may not be listed (status ${reply.status})`);
  }

  return {
    name: url.href,
    async *list() {
      let token: string | undefined;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const query = {
          ...{ 'list-type': '2', 'encoding-type': 'url', prefix: folder },
          ...(token === undefined ? {} : { 'continuation-token': token }),
        };
        const reply = await send('', query, { headers: {}, bytes: 0, bodyMax: LISTING_BYTES_MAX });
        if (reply.status !== 200) throw unlisted(reply);
        const { objects, next } = parseListing(Buffer.from(reply.body).toString('utf8'), folder);
        // The folder itself may be an empty object, by which consoles show it.
        for (const object of objects) if (object.path !== '') yield object;
        if (next === undefined) return;
        if (next === token) break;
        token = next;
      }
      throw new StoreLoss('unknown', `The listing of "${bucket}" does not end`);
    },
    async read(path, pin, offset, length) {
      const reply = await send(folder + path, {}, rangeRequest(offset, length, { 'if-match': pin }));
      return rangeOf(reply, `"${path}"`, { state: headerOf(reply, 'etag'), pin }, offset, length);
    },
    close: async () => client.close(),
  };
}

function parseName(name: string): { readonly url: URL; readonly folder: string } {
  let url: URL;
  let folder: string;
  try {
    url = new URL(name);
    folder = decodeURIComponent(url.pathname.slice(1));
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
  return { url, folder: folder === '' || folder.endsWith('/') ? folder : `${folder}/` };
}
