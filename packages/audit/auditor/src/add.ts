import { fail } from './audit-error.ts';
import { knownObjects } from './known-objects.ts';
import { type AuditContext, type NewAudit, opened, withAudit } from './open-audit.ts';
import { nameOf } from './state-directory.ts';
import type { Limits } from './stores/meter.ts';
import { type StoredObject, StoreLoss } from './stores/store.ts';
import { type Tagged, type Tagging, tagObjects } from './tag-objects.ts';

export interface AddOptions {
  /** What the audit is called; made from the store's name unless told. */
  readonly name?: string | undefined;
  readonly scheme?: string | undefined;
  readonly blockBytes?: number | undefined;
  /** Milliseconds in which each block is read once. */
  readonly period?: number | undefined;
  readonly limits?: Limits | undefined;
}

export interface SyncOptions {
  /** Objects that the store has no more are gone by the owner's will. */
  readonly removed?: boolean | undefined;
  /** Objects that the store has in another state were changed by the owner. */
  readonly changed?: boolean | undefined;
  readonly limits?: Limits | undefined;
}

export interface Synced extends Tagged {
  /** The audit did not exist before. */
  readonly fresh: boolean;
  readonly name: string;
  readonly store: string;
  /** Objects that are audited now. */
  readonly total: { readonly objects: number; readonly bytes: number };
  /** Objects that the store has no more, and those that it has in another state, which are still audited as they were. */
  readonly missing: readonly string[];
  readonly altered: readonly string[];
  readonly forgotten: number;
}

const DAY_MS = 86_400_000;
const DEFAULTS = { scheme: 'mac-pdp', blockBytes: 16 * 1024, period: 30 * DAY_MS } as const;

/**
 * Begins to audit a store: tags all that it holds. Where it is audited already, tags what is new: so an interrupted one
 * goes on. @throws AuditError
 */
export async function addStore(context: AuditContext, name: string, options: AddOptions = {}): Promise<Synced> {
  const store = await opened(context, name);
  const { scheme = DEFAULTS.scheme, blockBytes = DEFAULTS.blockBytes, period = DEFAULTS.period } = options;
  const fresh: NewAudit = { store: store.name, scheme, blockBytes, period };
  await store.close();
  return sync(context, options.name ?? nameOf(store.name), fresh, { limits: options.limits });
}

/** Tags what a store has got since, and records what its owner has removed or changed. @throws AuditError */
export const syncStore = (context: AuditContext, name: string, options: SyncOptions): Promise<Synced> =>
  sync(context, name, undefined, options);

async function sync(
  context: AuditContext,
  name: string,
  fresh: NewAudit | undefined,
  { removed = false, changed = false, limits }: SyncOptions,
): Promise<Synced> {
  return withAudit(context, name, fresh, async (audit) => {
    if (fresh !== undefined && audit.facts.store !== fresh.store)
      fail('bad-store', `"${name}" audits "${audit.facts.store}" already: give another name with --name`);
    const store = await opened(context, audit.facts.store, limits);
    try {
      const { objects: known, ...live } = await knownObjects(audit);
      await audit.directory.sweep(live);
      const listed = new Map<string, StoredObject>();
      context.progress?.({ doing: 'listing', bytes: 0, ofBytes: 0 });
      try {
        for await (const object of store.list()) {
          context.signal?.throwIfAborted();
          listed.set(object.path, object);
        }
      } catch (error) {
        if (error instanceof StoreLoss)
          fail('store-unreachable', `Cannot list "${store.name}": ${error.message}`, error);
        throw error;
      }
      const wanted: Tagging[] = [];
      const altered: string[] = [];
      const forget: string[] = [];
      for (const object of listed.values()) {
        const before = known.get(object.path);
        if (before === undefined) wanted.push({ object, from: 0 });
        else if (before.pin !== object.pin || before.bytes !== object.bytes) {
          // What was never tagged to its end is not audited yet: it begins anew.
          if (!changed && before.tagged >= before.bytes) altered.push(object.path);
          else {
            forget.push(object.path);
            wanted.push({ object, from: 0 });
          }
        } else if (before.tagged < before.bytes) wanted.push({ object, from: before.tagged });
      }
      const missing = [...known.keys()].filter((path) => !listed.has(path));
      if (removed) forget.push(...missing);
      for (const path of forget) await audit.link.run({ kind: 'forget', path });
      if (forget.length > 0) await audit.commit();
      const tagged = await tagObjects(context, audit, store, 'store', wanted);
      return {
        ...tagged,
        ...{ name, fresh: audit.fresh, store: store.name, altered, missing: removed ? [] : missing },
        total: { objects: audit.facts.objects, bytes: audit.facts.bytes },
        forgotten: removed ? missing.length : 0,
      };
    } finally {
      await store.close();
    }
  });
}
