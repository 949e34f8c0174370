import { fail } from '../audit-error.ts';
import { headerOf, httpClient, type Reply } from './http-client.ts';
import { openBucket } from './s3/bucket.ts';
import { StoreLoss } from './store.ts';

/** What an answer to a write may say of itself. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * One object that is replaced only as long as nobody else has: conditional requests (RFC 9110, 13.1) to a web server, or to a
 * bucket. @throws StoreLoss
 */
export interface ConditionalObject {
  /** As its owner named it. */
  readonly name: string;
  /** Undefined where there is none; what is longer than `max` bytes is not taken. */
  get(max: number): Promise<{ readonly bytes: Uint8Array; readonly tag: string | undefined } | undefined>;
  /** Puts the object in the place of the one that has this entity tag, or of none; false if it is another. */
  put(bytes: Uint8Array, tag: string | undefined): Promise<boolean>;
  delete(): Promise<void>;
  close(): void;
}

/** The name of such an object as this package keeps it. @throws AuditError `bad-counter` */
export function objectName(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^(https?|s3):$/.test(url.protocol) ||
    url.pathname.length < 2 ||
    url.pathname.endsWith('/')
  )
    return fail('bad-counter', `"${text}" names no object`);
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    return fail('bad-counter', `No password belongs into "${url.host}${url.pathname}"`);
  return url.href;
}

/** @param text as `objectName` gave it @throws AuditError `bad-store` */
export async function conditionalObject(text: string, client = httpClient()): Promise<ConditionalObject> {
  const url = new URL(text);
  const bucket = url.protocol === 's3:' ? await openBucket(text, client) : undefined;
  interface Request {
    readonly method: 'GET' | 'PUT' | 'DELETE';
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array;
    readonly bytes: number;
    readonly bodyMax: number;
  }
  const send = (request: Request): Promise<Reply> =>
    bucket?.send({ key: bucket.path, ...request }) ??
    client.send(() => ({ ...request, origin: url, path: url.pathname + url.search }));
  const refused = (what: string, { status }: Reply): never => {
    throw new StoreLoss(status < 400 ? 'unknown' : 'unreachable', `"${text}" may not be ${what} (status ${status})`);
  };
  let takesBare = false;
  async function replaced(bytes: Uint8Array, condition: Readonly<Record<string, string>>): Promise<boolean> {
    const headers = { ...condition, 'content-type': 'application/octet-stream' };
    const reply = await send({ method: 'PUT', headers, body: bytes, bytes: bytes.length, bodyMax: ANSWER_BYTES_MAX });
    if (reply.status >= 200 && reply.status < 300) return true;
    // S3 says 409 to one of two that write at once, and 404 where what is to be replaced is gone.
    return [404, 409, 410, 412].includes(reply.status) ? false : refused('written', reply);
  }
  const unencoded = { 'accept-encoding': 'identity' };
  return {
    name: text,
    async get(max) {
      const reply = await send({
        method: 'GET',
        headers: unencoded,
        bytes: max,
        bodyMax: Math.max(max, ANSWER_BYTES_MAX),
      });
      if (reply.status === 404 || reply.status === 410) return undefined;
      if (reply.status !== 200) return refused('read', reply);
      if (reply.body.length > max) throw new StoreLoss('unknown', `"${text}" is longer than what was put there`);
      return { bytes: reply.body, tag: headerOf(reply, 'etag') };
    },
    async put(bytes, tag) {
      if (tag === undefined) return replaced(bytes, { 'if-none-match': '*' });
      // Ceph's gateway (16.2, measured) compares without the quotes that belong to a tag (RFC 9110, 8.8.3).
      const bare = tag.replaceAll('"', '');
      if (bucket !== undefined && takesBare) return replaced(bytes, { 'if-match': bare });
      if (await replaced(bytes, { 'if-match': tag })) return true;
      takesBare = bucket !== undefined && (await replaced(bytes, { 'if-match': bare }));
      return takesBare;
    },
    async delete() {
      const reply = await send({ method: 'DELETE', headers: {}, bytes: 0, bodyMax: ANSWER_BYTES_MAX });
      if (reply.status >= 300 && reply.status !== 404 && reply.status !== 410) refused('removed', reply);
    },
    close: () => client.close(),
  };
}
