import { knownObjects } from '../known-objects.ts';
import { type AuditContext, type OpenAudit, opened } from '../open-audit.ts';
import type { Questions } from '../questions.ts';
import { packReader } from '../state-directory.ts';
import type { Limits } from './meter.ts';
import { type Store, StoreLoss } from './store.ts';

/** Blocks are read from the store, with the tags that lie here. */
export async function storeQuestions(
  context: AuditContext,
  audit: OpenAudit,
  limits: Limits | undefined,
): Promise<Questions> {
  const store = await opened(context, audit.facts.store, limits);
  const tags = packReader(audit.directory);
  return {
    doing: 'reading',
    absent: () => absentObjects(context, audit, store),
    async answer(question) {
      if (question.kind !== 'read') throw new StoreLoss('unknown', 'Storage proves nothing');
      const { ask, path, pin, offset, length, pack, tagsAt, tagsLength } = question;
      const [bytes, theirTags] = await Promise.all([
        store.read(path, pin, offset, length),
        tags.read(pack, tagsAt, tagsLength),
      ]);
      return { kind: 'blocks', ask, bytes, tags: theirTags };
    },
    async close() {
      await store.close();
      await tags.close();
    },
  };
}

/** What the state has and the store does not list: missing at once, without a read. */
async function absentObjects(
  { signal, progress }: AuditContext,
  audit: OpenAudit,
  store: Store,
): Promise<readonly string[] | StoreLoss> {
  const { objects } = await knownObjects(audit);
  progress?.({ doing: 'listing', bytes: 0, ofBytes: 0 });
  try {
    for await (const { path } of store.list()) {
      signal?.throwIfAborted();
      objects.delete(path);
    }
  } catch (error) {
    if (!(error instanceof StoreLoss)) throw error;
    return error;
  }
  return [...objects.keys()];
}
