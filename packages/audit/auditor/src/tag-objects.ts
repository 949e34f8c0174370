import type { Baseline, FromEnclave } from '@cloister/protocol';
import type { ObjectCheck } from './borg-segment.ts';
import { failed } from './enclave-link.ts';
import type { AuditContext, OpenAudit } from './open-audit.ts';
import { type ExtentPlan, readAhead } from './read-ahead.ts';
import { newPack } from './state-directory.ts';
import { type Store, type StoredObject, StoreLoss } from './stores/store.ts';

/** An extent is tagged under one salt: what a kill costs is at most one of them for each that is under way. */
export const EXTENT_BYTES = 256 * 1024 * 1024;
/** After so much the state is sealed and kept, and with it what was tagged. */
const COMMIT_BYTES = 1024 * 1024 * 1024;
const COMMIT_MS = 10_000;

/** An object to tag, from a byte on. */
export interface Tagging {
  readonly object: StoredObject;
  readonly from: number;
  readonly baseline: Baseline;
  /** What was tagged of it before is of another state. */
  readonly replace: boolean;
  /** What shows damage in it, where that is known of its kind; it is tagged from its first byte on. */
  readonly check?: ObjectCheck | undefined;
}

export interface Tagged {
  readonly objects: number;
  readonly bytes: number;
  /** Objects that were not as long as they were listed, are not what their names or checksums say, or could not be read: they are not audited. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
}

interface Extent extends ExtentPlan {
  readonly baseline: Baseline;
  readonly replace: boolean;
  readonly tagsAt: number;
  readonly check: ObjectCheck | undefined;
  /** Whether it came to its end. */
  complete: boolean;
}

/**
 * Has the enclave tag objects, one after the other, without waiting for the answers before the next is sent. What was
 * committed stays tagged whatever happens then.
 */
export async function tagObjects(
  { signal, progress }: AuditContext,
  audit: OpenAudit,
  store: Store,
  wanted: readonly Tagging[],
): Promise<Tagged> {
  const { link, directory } = audit;
  const { blockBytes, tagBytes } = audit.facts;
  const ofBytes = wanted.reduce((sum, { object, from }) => sum + object.bytes - from, 0);
  const pack = await newPack(directory, Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex'));
  const skipped: { path: string; why: string }[] = [];
  let bytes = 0;
  let objects = 0;
  let uncommitted = 0;
  let committedAt = performance.now();

  /** What is under way in the enclave, in order. */
  const sent: Extent[] = [];
  const answersOf = async (): Promise<void> => {
    for (; sent.length > 0; sent.shift()) {
      const extent = sent[0]!;
      let at = extent.tagsAt;
      for (;;) {
        const answer: FromEnclave = await link.next();
        if (answer.kind === 'tags') {
          await pack.write(at, answer.bytes);
          at += answer.bytes.length;
        } else if (answer.kind === 'failed') {
          if (answer.failure !== 'content') failed(answer);
          extent.complete = false;
          skipped.push({ path: extent.object.path, why: answer.text });
          break;
        } else if (answer.kind === 'done') break;
      }
      if (!extent.complete) continue;
      bytes += extent.length;
      objects += extent.offset + extent.length === extent.object.bytes ? 1 : 0;
      progress?.({ doing: 'tagging', bytes, ofBytes });
    }
  };
  let answering: Promise<void> | undefined;
  let problem: { readonly error: unknown } | undefined;
  /** Takes answers, unless it is done already. @throws what taking them threw */
  const listen = (): void => {
    if (problem !== undefined) throw problem.error;
    if (sent.length === 0) return;
    answering ??= answersOf()
      .catch((error) => {
        problem = { error };
      })
      .finally(() => {
        answering = undefined;
      });
  };
  const commit = async (): Promise<void> => {
    for (listen(); sent.length > 0; listen()) await answering;
    await pack.flush();
    await audit.commit();
    uncommitted = 0;
    committedAt = performance.now();
  };

  /** Nothing follows a part of an object that was lost. */
  const lost = new Set<StoredObject>();
  let tagsAt = 0;
  function* extents(): Generator<Extent> {
    for (const { object, from, baseline, replace, check } of wanted) {
      let offset = from;
      do {
        const length = Math.min(EXTENT_BYTES, object.bytes - offset);
        const place = { object, offset, length, tagsAt };
        yield { ...place, baseline, check, replace: replace && offset === 0, complete: true };
        tagsAt += Math.max(1, Math.ceil(length / blockBytes)) * tagBytes;
        offset += EXTENT_BYTES;
      } while (offset < object.bytes && !lost.has(object));
    }
  }

  try {
    for await (const piece of readAhead(store, extents())) {
      signal?.throwIfAborted();
      const { extent, first, last } = piece;
      const { object, offset, length } = extent;
      if (first) {
        if (lost.has(object)) continue;
        const place = { path: object.path, pin: object.pin, objectBytes: object.bytes, offset, length };
        await link.send({
          kind: 'tag',
          ...place,
          baseline: extent.baseline,
          pack: pack.name,
          tagsAt: extent.tagsAt,
          replace: extent.replace,
        });
        sent.push(extent);
      } else if (!extent.complete || !sent.includes(extent)) continue;
      const isEnd = last && offset + length === object.bytes;
      const flaw =
        piece.bytes instanceof StoreLoss
          ? piece.bytes.message
          : (extent.check?.feed(piece.bytes) ?? (isEnd ? extent.check?.end() : undefined));
      if (flaw !== undefined) {
        extent.complete = false;
        lost.add(object);
        skipped.push({ path: object.path, why: flaw });
      } else if (!(piece.bytes instanceof StoreLoss)) await link.send({ kind: 'data', bytes: piece.bytes });
      if (last || flaw !== undefined) {
        await link.send({ kind: 'data.end', complete: extent.complete });
        uncommitted += length;
      }
      listen();
      if (last && (uncommitted >= COMMIT_BYTES || performance.now() - committedAt >= COMMIT_MS)) await commit();
    }
    await commit();
  } finally {
    await pack.close();
  }
  return { objects, bytes, skipped };
}
