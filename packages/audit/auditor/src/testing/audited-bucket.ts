import type { AuditContext } from '../index.ts';
import { httpClient } from '../stores/http-client.ts';
import { openStore } from '../stores/open-store.ts';
import { type BucketWriter, bucketWriter } from './bucket-writer.ts';
import { ACCESS_KEY, cephGateway, type Gateway, SECRET_KEY } from './ceph-gateway.ts';
import { enclaveHere, measuredHere } from './enclave-here.ts';
import { type FaultProxy, faultProxy } from './fault-proxy.ts';
import { noise } from './laboratory.ts';

export const BLOCK = 4096;
const BUCKET = 'audited';
/** The folder of the bucket that is audited; it needs encoding. */
const FOLDER = 'fo lder/';
/** Longer than a busy machine's event loop stands still. */
const IMPATIENT = { silenceMs: 1500, attempts: 3, backoffMs: 1 };

/** Names that somebody could have given to an object. */
export const ODD_NAMES = [
  ...['a b+c&d=e', 'ü/ß/\u{1f600}', '%41%2F', '..', '../x', './y', 'a//b', '/lead', 'trail/', '?q#f', `'"<>;:@,$!*()~`],
  ...['line\nbreak', 'tab\there', '&amp;', 'x'.repeat(900)],
];

/** A bucket in Ceph with objects of all kinds, and a faulty way to it. */
export interface AuditedBucket {
  readonly gateway: Gateway;
  readonly proxy: FaultProxy;
  readonly writer: BucketWriter;
  /** What to audit. */
  readonly store: string;
  /** How the URLs of its objects begin. */
  readonly base: string;
  readonly context: AuditContext;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  put(path: string, bytes: Uint8Array): Promise<void>;
  delete(path: string): Promise<void>;
  close(): Promise<void>;
}

/** @param blocks of the plain objects, in all */
export async function auditedBucket(blocks: number): Promise<AuditedBucket> {
  process.env.AWS_ACCESS_KEY_ID = ACCESS_KEY;
  process.env.AWS_SECRET_ACCESS_KEY = SECRET_KEY;
  const gateway = await cephGateway();
  const proxy = await faultProxy(gateway.endpoint, BLOCK);
  const writer = bucketWriter(gateway.endpoint, BUCKET);
  const objects = new Map<string, Uint8Array>();
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    await writer.put(FOLDER + path, bytes);
    objects.set(path, bytes);
  };
  await writer.create();
  await writer.keepVersions();
  await writer.put('beside', noise(10));
  // As a console makes a folder.
  await writer.put(FOLDER, new Uint8Array(0));
  for (const length of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1]) await put(`length ${length}`, noise(length, length + 1));
  for (const name of ODD_NAMES) await put(name, new TextEncoder().encode(name));
  const each = 40;
  for (let at = 0; at < blocks; at += each) await put(`plain/${at}`, noise(each * BLOCK - (at % 100), at + 7));
  const inParts = noise(6 * 1024 * 1024 + 11, 3);
  await writer.putInParts(`${FOLDER}in parts`, inParts, 5 * 1024 * 1024);
  objects.set('in parts', inParts);
  return {
    ...{ gateway, proxy, writer, objects, put },
    store: `s3://${BUCKET}/${encodeURI(FOLDER)}?endpoint=${proxy.endpoint}`,
    base: `/${BUCKET}/${encodeURI(FOLDER)}`,
    context: {
      ...{ startEnclave: enclaveHere(), measureEnclave: measuredHere },
      openStore: (name, options = {}) =>
        openStore(name, { ...options, client: httpClient({ ...IMPATIENT, meter: options.meter }) }),
    },
    delete: (path) => writer.delete(FOLDER + path),
    async close() {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
      writer.close();
      await proxy.close();
      await gateway.stop();
    },
  };
}
