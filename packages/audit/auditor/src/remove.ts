import { stat } from 'node:fs/promises';
import { fail } from './audit-error.ts';
import { removeHome } from './key-home.ts';
import type { AuditContext } from './open-audit.ts';
import { withStateDirectory } from './state-directory.ts';

/** Forgets an audit, its keys and its tags; the store is not touched. @throws AuditError `no-audit` */
export async function removeAudit({ signal, warn }: AuditContext, name: string): Promise<void> {
  await withStateDirectory(
    name,
    signal,
    () => warn?.('Another process works on this audit; waiting for it'),
    async (directory) => {
      await stat(directory.path).catch(() => fail('no-audit', `There is no audit "${name}"`));
      await removeHome(name, (line) => warn?.(line));
      await directory.remove();
    },
  );
}
