import { isAbsolute } from 'node:path';
import type { Baseline, StateFacts } from '@cloister/protocol';
import { fail } from './audit-error.ts';
import { type BackupRepository, backupRepositories, borgSegments, contentHashNames } from './backup-repository.ts';
import { borgSegment } from './borg-segment.ts';
import type { KeyHome } from './key-home.ts';
import { knownObjects } from './known-objects.ts';
import { type AuditContext, type NewAudit, opened, withAudit } from './open-audit.ts';
import { proverOf } from './prover/prover-client.ts';
import { publishKey } from './prover/tags-beside.ts';
import { nameOf } from './state-directory.ts';
import { objectName } from './stores/conditional-object.ts';
import { directoryStore } from './stores/directory.ts';
import type { Limits } from './stores/meter.ts';
import { type Store, type StoredObject, StoreLoss } from './stores/store.ts';
import { EXTENT_BYTES, type Tagged, type Tagging, tagObjects } from './tag-objects.ts';

export interface AddOptions {
  /** What the audit is called; made from the store's name unless told. */
  readonly name?: string | undefined;
  /** Where `cloister audit prover` will serve the store: proofs are asked of it, and tags lie beside the data. */
  readonly prover?: string | undefined;
  readonly scheme?: string | undefined;
  readonly blockBytes?: number | undefined;
  /** Milliseconds in which each block is read once. */
  readonly period?: number | undefined;
  /** A directory with the owner's own copy, which is tagged in the place of what the store gives. */
  readonly from?: string | undefined;
  readonly limits?: Limits | undefined;
  /** Where the sealing key is to live: in a file, unless told. */
  readonly keyHome?: KeyHome | undefined;
  /** A second store that keeps the counter against rollback: `https://HOST/OBJECT`, or `s3://BUCKET/OBJECT`. */
  readonly counterAt?: string | undefined;
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
  readonly total: Pick<StateFacts, 'objects' | 'sourceObjects' | 'contentHashObjects' | 'bytes'>;
  /** Objects that the store has no more, and those that it has in another state, which are still audited as they were. */
  readonly missing: readonly string[];
  readonly altered: readonly string[];
  readonly forgotten: number;
  /** Backup programs' repositories that the store has. */
  readonly repositories: readonly BackupRepository[];
}

/** Characters of a name that a state has room for. */
const NAME_MAX = 4096;
const DAY_MS = 86_400_000;
const DEFAULTS = { scheme: 'gmac-cpor', blockBytes: 16 * 1024, period: 30 * DAY_MS } as const;

/**
 * Begins to audit a store: tags all that it holds. Where it is audited already, tags what is new: so an interrupted one
 * goes on. @throws AuditError
 */
export async function addStore(context: AuditContext, name: string, options: AddOptions = {}): Promise<Synced> {
  const store = await opened(context, name);
  const { scheme = DEFAULTS.scheme, blockBytes = DEFAULTS.blockBytes, period = DEFAULTS.period } = options;
  const { keyHome = { kind: 'file' } } = options;
  const counterAt = options.counterAt === undefined ? '' : objectName(options.counterAt);
  const prover = options.prover === undefined ? '' : proverOf(options.prover);
  if (prover !== '' && !isAbsolute(store.name))
    fail('bad-store', 'With a prover the store is named by its directory, or that of a copy of it');
  const fresh: NewAudit = { store: store.name, prover, scheme, blockBytes, period, keyHome, counterAt };
  await store.close();
  return sync(context, options.name ?? nameOf(store.name), fresh, options);
}

/** Tags what a store has got since, and records what its owner has removed or changed. @throws AuditError */
export const syncStore = (context: AuditContext, name: string, options: SyncOptions): Promise<Synced> =>
  sync(context, name, undefined, options);

async function sync(
  context: AuditContext,
  name: string,
  fresh: NewAudit | undefined,
  { removed = false, changed = false, from, limits }: SyncOptions & Pick<AddOptions, 'from'>,
): Promise<Synced> {
  return withAudit(context, name, fresh, async (audit) => {
    if (fresh !== undefined && fresh.prover !== audit.facts.prover)
      fail(
        'bad-store',
        `"${name}" has ${audit.facts.prover === '' ? 'no' : 'another'} prover: give another name with --name`,
      );
    if (fresh !== undefined && fresh.counterAt !== '' && fresh.counterAt !== audit.facts.counterAt)
      fail('bad-counter', `"${name}" keeps its counter ${audit.facts.counterAt === '' ? 'here' : 'elsewhere'} already`);
    if (fresh !== undefined && audit.facts.store !== fresh.store)
      fail('bad-store', `"${name}" audits "${audit.facts.store}" already: give another name with --name`);
    const own = from === undefined ? undefined : await ownCopy(from);
    const store = await opened(context, audit.facts.store, limits);
    try {
      const { objects: known, ...live } = await knownObjects(audit);
      await audit.directory.sweep(live);
      if (audit.facts.prover !== '') await publishKey(audit.directory);
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
      const repositories = backupRepositories(listed);
      const isNamedByHash = contentHashNames(repositories);
      const isSegment = borgSegments(repositories);
      const baselineOf = ({ path, bytes }: StoredObject): Baseline => {
        if (own !== undefined) return 'source';
        // Its hash is known when all of it has been tagged, in one session.
        return bytes <= EXTENT_BYTES && isNamedByHash(path) ? 'content-hash' : 'store';
      };
      const skipped: Tagged['skipped'][number][] = [];
      for (const path of own?.lengths.keys() ?? [])
        if (!listed.has(path)) skipped.push({ path, why: 'The store does not have it' });
      const found: Tagging[] = [];
      const altered: string[] = [];
      for (const object of listed.values()) {
        const before = known.get(object.path);
        const baseline = baselineOf(object);
        const check = isSegment(object.path) ? borgSegment() : undefined;
        if (before === undefined) found.push({ object, from: 0, baseline, check, replace: false });
        else if (before.pin !== object.pin || before.bytes !== object.bytes) {
          // What was never tagged to its end is not audited yet: it begins anew.
          if (!changed && before.tagged >= before.bytes) altered.push(object.path);
          else found.push({ object, from: 0, baseline, check, replace: true });
        } else if (before.tagged < before.bytes) {
          // What is checked comes whole.
          const from = check === undefined ? before.tagged : 0;
          found.push({ object, from, baseline, check, replace: from < before.tagged });
        }
      }
      const wanted = found.filter(({ object: { path, bytes } }) => {
        if (path.length > NAME_MAX || path.includes('\0')) {
          skipped.push({ path, why: 'Its name is too long, or has a NUL in it' });
          return false;
        }
        const length = own === undefined ? bytes : own.lengths.get(path);
        if (length === undefined) skipped.push({ path, why: `"${from}" does not have it` });
        else if (length !== bytes) skipped.push({ path, why: `It has ${bytes} bytes, and in "${from}" ${length}` });
        return length === bytes;
      });
      const missing = [...known.keys()].filter((path) => !listed.has(path));
      if (removed) for (const path of missing) await audit.link.run({ kind: 'forget', path });
      const tagged = await tagObjects(context, audit, own?.store ?? store, wanted);
      const { objects, sourceObjects, contentHashObjects, bytes } = audit.facts;
      return {
        ...{ ...tagged, skipped: [...skipped, ...tagged.skipped], repositories },
        ...{ name, fresh: audit.fresh, store: store.name, altered, missing: removed ? [] : missing },
        total: { objects, sourceObjects, contentHashObjects, bytes },
        forgotten: removed ? missing.length : 0,
      };
    } finally {
      await own?.store.close();
      await store.close();
    }
  });
}

/** The owner's own copy of a store, and how long its files are. @throws AuditError */
async function ownCopy(
  path: string,
): Promise<{ readonly store: Store; readonly lengths: ReadonlyMap<string, number> }> {
  const store = await directoryStore(path);
  const lengths = new Map<string, number>();
  try {
    for await (const object of store.list()) lengths.set(object.path, object.bytes);
  } catch (error) {
    fail('bad-store', `Cannot list "${path}": ${(error as Error).message}`, error);
  }
  return { store, lengths };
}
