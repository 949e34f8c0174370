import { fail } from '../audit-error.ts';
import { directoryStore } from './directory.ts';
import type { Store } from './store.ts';

/** The store that a name stands for. @throws AuditError `bad-store` */
export async function openStore(name: string): Promise<Store> {
  if (name === '') fail('bad-store', 'No store was named');
  if (/^[a-z][a-z0-9+.-]+:\/\//.test(name)) fail('bad-store', `Stores of this kind cannot be audited yet: "${name}"`);
  return directoryStore(name);
}
