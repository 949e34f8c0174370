import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export const sha256Of = (content: Uint8Array | string): string => hash('sha256', content, 'hex');
const EMPTY_SHA256 = sha256Of(new Uint8Array(0));

/** RFC 3986's unreserved characters stay, and slashes in paths; all else is encoded byte by byte. */
export const encodeUri = (text: string, keepSlashes = false): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', keepSlashes ? '/' : '%2F');

/** Signs requests (AWS Signature Version 4, "Authenticating Requests: Using the Authorization Header"). */
export function signer({ accessKeyId, secretAccessKey, sessionToken }: Credentials, region: string) {
  const mac = (secret: Buffer | string, text: string): Buffer => createHmac('sha256', secret).update(text).digest();
  const stampOf = remembered((second: number) => new Date(1000 * second).toISOString().replace(/[-:]|\.\d{3}/g, ''));
  // It lasts for a day: deriving it is four of the five MACs of a request.
  const keyOf = remembered(
    (date: string): KeyObject =>
      createSecretKey(mac(mac(mac(mac(`AWS4${secretAccessKey}`, date), region), 's3'), 'aws4_request')),
  );

  /**
   * The headers that a request is sent with.
   * @param path encoded as it is sent
   * @param query its parameters, not encoded
   * @param contentSha256 of the body, if there is one
   */
  return (
    request: {
      readonly method: string;
      readonly host: string;
      readonly path: string;
      readonly query: Readonly<Record<string, string>>;
      readonly headers: Readonly<Record<string, string>>;
    },
    now: Date,
    contentSha256 = EMPTY_SHA256,
  ): Readonly<Record<string, string>> => {
    const time = stampOf(Math.floor(now.getTime() / 1000));
    const date = time.slice(0, 8);
    const headers: Record<string, string> = {
      ...request.headers,
      host: request.host,
      'x-amz-content-sha256': contentSha256,
      'x-amz-date': time,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    };
    const names = Object.keys(headers).sort();
    const canonical = [
      request.method,
      request.path,
      queryString(request.query),
      ...names.map((name) => `${name}:${headers[name]!.trim()}`),
      '',
      names.join(';'),
      contentSha256,
    ].join('\n');
    const scope = `${date}/${region}/s3/aws4_request`;
    const signed = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256Of(canonical)}`;
    const signature = createHmac('sha256', keyOf(date)).update(signed).digest('hex');
    return {
      ...headers,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    };
  };
}

/** The same again without work, while it is asked of the same. */
function remembered<From, To>(make: (from: From) => To): (from: From) => To {
  let last: { readonly from: From; readonly to: To } | undefined;
  return (from) => (last?.from === from ? last : (last = { from, to: make(from) })).to;
}

/** Parameters in the order that is signed. */
export const queryString = (query: Readonly<Record<string, string>>): string =>
  Object.keys(query)
    .sort()
    .map((name) => `${encodeUri(name)}=${encodeUri(query[name]!)}`)
    .join('&');
