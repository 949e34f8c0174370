import { headerOf, httpClient, type Reply } from '../http-client.ts';
import { rangeOf, rangeRequest } from '../ranged-read.ts';
import { type Store, StoreLoss } from '../store.ts';
import { openBucket } from './bucket.ts';
import { LISTING_BYTES_MAX, parseListing } from './listing.ts';

/** More objects than a state can list: a listing without end ends there. */
const PAGES_MAX = 10_000;

/**
 * What lies below a folder of a bucket, read with ranged GETs that are pinned to the object's entity tag. It needs leave to
 * list the bucket and to get objects, and no other.
 * @param name `s3://BUCKET[/FOLDER][?endpoint=URL][&region=R][&path-style=true]`
 * @throws AuditError `bad-store`
 */
export async function s3Store(name: string, client = httpClient()): Promise<Store> {
  const { name: known, bucket, path: named, region, send } = await openBucket(name, client);
  const folder = named === '' || named.endsWith('/') ? named : `${named}/`;

  /** Why a bucket cannot be listed. */
  function unlisted(reply: Reply): StoreLoss {
    if (reply.status === 404) return new StoreLoss('missing', `There is no bucket "${bucket}"`);
    const theirs = headerOf(reply, 'x-amz-bucket-region');
    if (theirs !== undefined && theirs !== region)
      return new StoreLoss('unreachable', `"${bucket}" is in the region "${theirs}", not in "${region}"`);
    return new StoreLoss('unreachable', `"${bucket}" may not be listed (status ${reply.status})`);
  }

  return {
    name: known,
    async *list() {
      let token: string | undefined;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const query = {
          ...{ 'list-type': '2', 'encoding-type': 'url', prefix: folder },
          ...(token === undefined ? {} : { 'continuation-token': token }),
        };
        const reply = await send({
          ...{ method: 'GET', key: '', query, headers: {}, bytes: 0, bodyMax: LISTING_BYTES_MAX },
        });
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
      const reply = await send({ key: folder + path, ...rangeRequest(offset, length, { 'if-match': pin }) });
      return rangeOf(reply, `"${path}"`, { state: headerOf(reply, 'etag'), pin }, offset, length);
    },
    close: async () => client.close(),
  };
}
