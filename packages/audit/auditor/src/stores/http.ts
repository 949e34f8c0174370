import { httpClient } from './http-client.ts';
import { ERROR_BODY_MAX, rangeHeader, rangeOf } from './ranged-read.ts';
import { type Store, StoreLoss } from './store.ts';

/** One object of a web server that knows ranges (RFC 9110, 14), pinned to its entity tag, or to when it was changed. */
export function httpStore(name: string, client = httpClient()): Store {
  const url = new URL(name);
  const path = decodeURIComponent(url.pathname.split('/').at(-1) ?? '') || url.host;
  return {
    name: url.href,
    async *list() {
      const { status, headers } = await client.send(() => ({ method: 'HEAD', url, headers: {}, bodyMax: 0 }));
      if (status === 404 || status === 410) return;
      const bytes = Number(headers['content-length'] ?? Number.NaN);
      if (status !== 200 || !Number.isSafeInteger(bytes))
        throw new StoreLoss('unknown', `"${url.href}" does not say how long it is (status ${status})`);
      yield { path, bytes, pin: headers.etag ?? headers['last-modified'] ?? '' };
    },
    async read(_path, pin, offset, length) {
      const conditions: Record<string, string> = /^"/.test(pin) ? { 'if-match': pin } : {};
      if (length === 0) {
        const { status } = await client.send(() => ({ method: 'HEAD', url, headers: conditions, bodyMax: 0 }));
        return rangeOf(
          { status: status === 200 ? 416 : status, headers: {}, body: new Uint8Array(0) },
          `"${path}"`,
          pin,
          0,
          0,
        );
      }
      const headers = { ...conditions, range: rangeHeader(offset, length) };
      const reply = await client.send(() => ({
        method: 'GET',
        url,
        headers,
        bodyMax: Math.max(length, ERROR_BODY_MAX),
      }));
      const tag = reply.headers.etag ?? reply.headers['last-modified'];
      return rangeOf(
        { ...reply, headers: { ...reply.headers, etag: pin === '' ? undefined : tag } },
        `"${path}"`,
        pin,
        offset,
        length,
      );
    },
    close: async () => client.close(),
  };
}
