import { fail } from '../audit-error.ts';
import { headerOf, httpClient, type Reply } from './http-client.ts';
import { rangeOf, rangeRequest } from './ranged-read.ts';
import { type Store, StoreLoss } from './store.ts';

/** One object of a web server that knows ranges (RFC 9110, 14), pinned to its entity tag, or to when it was changed. */
export function httpStore(name: string, client = httpClient()): Store {
  if (!URL.canParse(name)) fail('bad-store', `"${name}" is no URL`);
  const url = new URL(name);
  // The name stands in receipts.
  if (url.username !== '' || url.password !== '') fail('bad-store', `A password does not belong into a store's name`);
  url.hash = '';
  const target = { origin: url, path: url.pathname + url.search };
  const path = decoded(url.pathname.split('/').at(-1) ?? '') || url.host;
  const unchanged = { 'accept-encoding': 'identity' };
  return {
    name: url.href,
    async *list() {
      const ask = { ...target, method: 'HEAD', headers: unchanged, bytes: 0, bodyMax: 0 } as const;
      const reply = await client.send(() => ask);
      if (reply.status === 404 || reply.status === 410) return;
      if (reply.status >= 300 && reply.status < 400)
        throw new StoreLoss(
          'unknown',
          `"${url.href}" has moved to "${headerOf(reply, 'location') ?? 'another place'}"`,
        );
      if (reply.status === 401 || reply.status === 403)
        throw new StoreLoss('unreachable', `"${url.href}" may not be read (status ${reply.status})`);
      const length = headerOf(reply, 'content-length') ?? '';
      if (reply.status !== 200 || !/^\d{1,15}$/.test(length))
        throw new StoreLoss('unknown', `"${url.href}" does not say how long it is (status ${reply.status})`);
      yield { path, bytes: Number(length), pin: headerOf(reply, 'etag') ?? headerOf(reply, 'last-modified') ?? '' };
    },
    async read(_path, pin, offset, length) {
      // A weak entity tag never matches (RFC 9110, 13.1.1).
      const conditions = pin.startsWith('"') ? { ...unchanged, 'if-match': pin } : unchanged;
      const ask = { ...target, ...rangeRequest(offset, length, conditions) };
      const reply = await client.send(() => ask);
      return rangeOf(reply, `"${path}"`, { state: stateOf(reply, pin), pin }, offset, length);
    },
    close: async () => client.close(),
  };
}

/** What an answer says of the state, in the words of the pin. */
function stateOf(reply: Reply, pin: string): string | undefined {
  if (pin === '') return undefined;
  return headerOf(reply, /^(W\/)?"/.test(pin) ? 'etag' : 'last-modified');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
