import { headerOf, type Reply } from './http-client.ts';
import { StoreLoss } from './store.ts';

/** What an answer without a body that matters may have of one. */
const ERROR_BODY_MAX = 64 * 1024;

/**
 * What asks for a range of an object (RFC 9110, 14.2). Of an empty object there is none, so it is asked for as it is: an
 * answer to HEAD could not say why it is refused.
 */
export const rangeRequest = (offset: number, length: number, conditions: Readonly<Record<string, string>>) => ({
  method: 'GET' as const,
  headers: length === 0 ? conditions : { ...conditions, range: `bytes=${offset}-${offset + length - 1}` },
  bytes: length,
  bodyMax: Math.max(length, ERROR_BODY_MAX),
});

/**
 * The bytes of an answer to a request for a range of an object. Fewer where the object ends.
 * @param state what the answer calls the object's state, as far as it says so, and `pin` what it was when it was listed
 * @throws StoreLoss for anything else than just that range of just that state
 */
export function rangeOf(
  reply: Reply,
  what: string,
  { state, pin }: { readonly state: string | undefined; readonly pin: string },
  offset: number,
  length: number,
): Uint8Array {
  const { status, body } = reply;
  const lost = (loss: StoreLoss['loss'], why: string): never => {
    throw new StoreLoss(loss, `${what} ${why}`);
  };
  // Where the answer does not name the state, it cannot be known to be another one: the tags say.
  const changed = state !== undefined && state !== pin;
  switch (status) {
    case 206: {
      const range = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(headerOf(reply, 'content-range') ?? '');
      if (range === null) return lost('unknown', 'came without saying which range it is');
      const [from, to, end] = [Number(range[1]), Number(range[2]) + 1, range[3] === '*' ? undefined : Number(range[3])];
      const asked = from === offset && to <= offset + length && to - from === body.length;
      if (!asked) return lost('unknown', 'came as another range than was asked for');
      if (changed) return lost('stale', 'has changed');
      // Less than there is may be sent (RFC 9110, 14.2), and then says nothing of what is missing.
      if (to < offset + length && to !== end) return lost('unknown', 'came in part');
      return body;
    }
    case 200:
      if (changed || (length === 0 && body.length > 0)) return lost('stale', 'has changed');
      // All of it where no more was asked for: servers may answer so (RFC 9110, 14.2).
      return offset === 0 && body.length <= length ? body : lost('unknown', 'came whole: this server knows no ranges');
    case 404:
    case 410:
      return lost('missing', 'is not there');
    case 412:
      return lost('stale', 'has changed');
    case 416:
      // The object ends before the range does (RFC 9110, 15.5.17).
      return new Uint8Array(0);
    case 403:
      if (Buffer.from(body).toString('latin1').includes('InvalidObjectState')) return lost('archived', 'is archived');
      return lost('unreachable', 'may not be read (status 403)');
    case 401:
      return lost('unreachable', 'may not be read (status 401)');
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return lost('unknown', `has moved to "${headerOf(reply, 'location') ?? 'another place'}"`);
    default:
      return lost('unknown', `cannot be read (status ${status})`);
  }
}
