import { fail } from '../audit-error.ts';
import { type DirectoryOptions, directoryStore } from './directory.ts';
import { httpStore } from './http.ts';
import { type HttpClient, httpClient } from './http-client.ts';
import { unmetered } from './meter.ts';
import { s3Store } from './s3/s3.ts';
import type { Store } from './store.ts';

export interface OpenOptions extends DirectoryOptions {
  /** What asks over the network. */
  readonly client?: HttpClient;
}

/** The store that a name stands for. @throws AuditError `bad-store` */
export async function openStore(name: string, options: OpenOptions = {}): Promise<Store> {
  const { meter = unmetered, client = httpClient({ meter }), warn, deadlineMs } = options;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(name)?.[1];
  switch (scheme) {
    case undefined:
      return name === '' ? fail('bad-store', 'No store was named') : directoryStore(name, { meter, warn, deadlineMs });
    case 's3':
      return s3Store(name, client);
    case 'http':
    case 'https':
      return httpStore(name, client);
    default:
      return fail('bad-store', `Stores of the kind "${scheme}" cannot be audited`);
  }
}
