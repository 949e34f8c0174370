import {
  type AddOptions,
  type AuditContext,
  addStore,
  allAudits,
  auditStatus,
  type RunOptions,
  removeAudit,
  runAudit,
  type SyncOptions,
  syncStore,
} from '@cloister/auditor';
import { measureEnclave, startEnclave } from '@cloister/launcher';

export type AuditSettings = Omit<AuditContext, 'startEnclave' | 'measureEnclave'>;

/** Audits of stores by this user, each in an enclave of this host. @throws AuditError, LaunchError */
export function audits(settings: AuditSettings = {}) {
  const context: AuditContext = { ...settings, startEnclave, measureEnclave };
  return {
    /** Begins to audit a store, or goes on where it was interrupted. */
    add: (store: string, options: AddOptions = {}) => addStore(context, store, options),
    /** Tags what is new, and records what the owner has removed or changed. */
    sync: (name: string, options: SyncOptions = {}) => syncStore(context, name, options),
    /** Reads blocks and checks them. */
    run: (name: string, options: RunOptions = {}) => runAudit(context, name, options),
    status: (name: string) => auditStatus(context, name),
    list: () => allAudits(context),
    /** Forgets an audit with its keys; the store is not touched. */
    remove: (name: string) => removeAudit(context, name),
  };
}
