import { stat } from 'node:fs/promises';
import { fail } from './audit-error.ts';
import { forgetNonce } from './hand-over/nonce.ts';
import { forgetOffer, pendingOffer } from './hand-over/pending-offers.ts';
import { removeHome } from './key-home.ts';
import type { AuditContext } from './open-audit.ts';
import { withStateDirectory } from './state-directory.ts';

/** Forgets an audit, its keys and its tags, or an offer that waits; the store is not touched. @throws AuditError `no-audit` */
export async function removeAudit({ signal, warn }: AuditContext, name: string): Promise<void> {
  await withStateDirectory(
    name,
    signal,
    () => warn?.('Another process works on this audit; waiting for it'),
    async (directory) => {
      const isOffer = (await pendingOffer(name)) !== undefined;
      if (!isOffer) await stat(directory.path).catch(() => fail('no-audit', `There is no audit "${name}"`));
      await removeHome(name, (line) => warn?.(line));
      await forgetNonce(name);
      await directory.remove();
      await forgetOffer(name);
    },
  );
}
