import {
  type AddOptions,
  type AuditContext,
  addStore,
  allAudits,
  auditStatus,
  drawNonce,
  type HandOverOptions,
  handOver,
  makePolicy,
  type OfferOptions,
  offerKeys,
  type RunOptions,
  removeAudit,
  runAudit,
  type SyncOptions,
  syncStore,
  takeOver,
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
    /** Draws a nonce for an offer to take an audit's keys. */
    nonce: (name: string) => drawNonce(context, name, Date.now()),
    /** Hands an audit to an enclave of another machine, whose offer meets the policy. */
    handOver: (name: string, options: HandOverOptions) => handOver(context, name, options),
    /** Which enclave this machine has, as a policy for whoever is to give it keys. */
    policy: (options: { readonly tpm?: boolean | undefined; readonly maxAge?: number | undefined } = {}) =>
      makePolicy(context, options),
    /** Offers to take an audit's keys from its owner. */
    offer: (options: OfferOptions) => offerKeys(context, options),
    /** Takes over what was handed to an offer of this machine's. */
    takeOver: (path: string) => takeOver(context, path),
    /** Forgets an audit with its keys; the store is not touched. */
    remove: (name: string) => removeAudit(context, name),
  };
}
