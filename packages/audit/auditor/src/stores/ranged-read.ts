import type { Reply } from './http-client.ts';
import { StoreLoss } from './store.ts';

/** The header that asks for a range (RFC 9110, 14.2). */
export const rangeHeader = (offset: number, length: number): string => `bytes=${offset}-${offset + length - 1}`;

/** What an answer without a body that matters may have of one. */
export const ERROR_BODY_MAX = 64 * 1024;

/**
 * The bytes of an answer to a request for a range of an object whose state is `pin`. Fewer where the object ends.
 * @throws StoreLoss for anything else than just that range of just that state
 */
export function rangeOf(reply: Reply, what: string, pin: string, offset: number, length: number): Uint8Array {
  const { status, headers, body } = reply;
  switch (status) {
    case 206: {
      const range = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(headers['content-range'] ?? '');
      if (range === null || Number(range[1]) !== offset || Number(range[2]) - offset + 1 !== body.length)
        throw new StoreLoss('unknown', `${what} came as another range than was asked for`);
      // Where the answer does not name the state, it cannot be known to be another one: the tags say.
      if (headers.etag !== undefined && headers.etag !== pin) throw new StoreLoss('stale', `${what} has changed`);
      return body.length > length ? body.subarray(0, 0) : body;
    }
    case 200:
      throw new StoreLoss('unknown', `${what} came whole: this server knows no ranges`);
    case 404:
    case 410:
      throw new StoreLoss('missing', `${what} is not there`);
    case 412:
      throw new StoreLoss('stale', `${what} has changed`);
    case 416:
      // The object ends before the range does (RFC 9110, 15.5.17).
      return new Uint8Array(0);
    case 403:
      if (Buffer.from(body).toString('latin1').includes('InvalidObjectState'))
        throw new StoreLoss('archived', `${what} is archived`);
      throw new StoreLoss('unreachable', `${what} may not be read (status 403)`);
    case 401:
      throw new StoreLoss('unreachable', `${what} may not be read (status 401)`);
    default:
      throw new StoreLoss('unknown', `${what}: status ${status}`);
  }
}
