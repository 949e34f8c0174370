import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { encodeUri, queryString, signer } from '../stores/s3/sign.ts';
import { ACCESS_KEY, SECRET_KEY } from './ceph-gateway.ts';

/** What an owner does to a bucket, and an auditor never. */
export interface BucketWriter {
  create(): Promise<void>;
  /** From now on a deleted object leaves a marker, and its versions stay. */
  keepVersions(): Promise<void>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** In parts of so many bytes, as large objects are: their entity tag is no hash of what they hold. */
  putInParts(key: string, bytes: Uint8Array, partBytes: number): Promise<void>;
  delete(key: string): Promise<void>;
  close(): void;
}

export function bucketWriter(endpoint: string, bucket: string): BucketWriter {
  const { host, hostname, port } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const sign = signer({ accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY }, 'us-east-1');

  function send(method: string, key: string, query: Readonly<Record<string, string>>, body: Uint8Array | string = '') {
    const path = `/${encodeUri(bucket)}/${encodeUri(key, true)}`;
    const sha256 = createHash('sha256').update(body).digest('hex');
    const headers = { 'content-length': String(Buffer.byteLength(body)) };
    const signed = sign({ method, host, path, query, headers }, new Date(), sha256);
    const search = queryString(query);
    return new Promise<{ body: string; etag: string }>((resolve, reject) => {
      const sent = request({
        ...{ method, hostname, port, agent, headers: signed, timeout: 60_000 },
        path: search === '' ? path : `${path}?${search}`,
      });
      sent.on('timeout', () => sent.destroy(new Error('No answer')));
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('error', reject).on('end', () => {
          if ((response.statusCode ?? 500) < 300) resolve({ body: text, etag: response.headers.etag ?? '' });
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
        });
      });
      sent.end(body);
    });
  }

  return {
    create: async () => void (await send('PUT', '', {})),
    keepVersions: async () =>
      void (await send(
        'PUT',
        '',
        { versioning: '' },
        '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>',
      )),
    put: async (key, bytes) => void (await send('PUT', key, {}, bytes)),
    async putInParts(key, bytes, partBytes) {
      const started = await send('POST', key, { uploads: '' });
      const uploadId = /<UploadId>([^<]+)</.exec(started.body)![1]!;
      let parts = '';
      for (let at = 0, number = 1; at < bytes.length; at += partBytes, number += 1) {
        const query = { partNumber: String(number), uploadId };
        const { etag } = await send('PUT', key, query, bytes.subarray(at, at + partBytes));
        parts += `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`;
      }
      await send('POST', key, { uploadId }, `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`);
    },
    delete: async (key) => void (await send('DELETE', key, {})),
    close: () => agent.destroy(),
  };
}
