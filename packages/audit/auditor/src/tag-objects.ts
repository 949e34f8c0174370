import { AUDIT_PIECE_BYTES_MAX, type Baseline, type FromEnclave } from '@cloister/protocol';
import { failed } from './enclave-link.ts';
import type { AuditContext, OpenAudit } from './open-audit.ts';
import { newPack } from './state-directory.ts';
import { type Store, type StoredObject, StoreLoss } from './stores/store.ts';

/** An extent is tagged under one salt: what a kill costs is at most one of them for each that is under way. */
const EXTENT_BYTES = 256 * 1024 * 1024;
/** After so much the state is sealed and kept, and with it what was tagged. */
const COMMIT_BYTES = 1024 * 1024 * 1024;
const COMMIT_MS = 10_000;
/** Reads ahead of the enclave. */
const READS_AHEAD = 8;

/** An object to tag, from a byte on that lies at the beginning of an extent. */
export interface Tagging {
  readonly object: StoredObject;
  readonly from: number;
}

export interface Tagged {
  readonly objects: number;
  readonly bytes: number;
  /** Objects that were not as long as they were listed, or could not be read: they are not audited. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
}

/**
 * Has the enclave tag objects, one after the other, without waiting for the answers before the next is sent. What was
 * committed stays tagged whatever happens then.
 */
export async function tagObjects(
  { signal, progress }: AuditContext,
  audit: OpenAudit,
  store: Store,
  baseline: Baseline,
  wanted: readonly Tagging[],
): Promise<Tagged> {
  const { link, directory } = audit;
  const { blockBytes, tagBytes } = audit.facts;
  const ofBytes = wanted.reduce((sum, { object, from }) => sum + object.bytes - from, 0);
  const pack = await newPack(directory, Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex'));
  const skipped: { path: string; why: string }[] = [];
  let tagsAt = 0;
  let bytes = 0;
  let objects = 0;
  let uncommitted = 0;
  let committedAt = performance.now();

  /** What is under way in the enclave, in order. */
  const sent: {
    readonly path: string;
    readonly tagsAt: number;
    readonly bytes: number;
    readonly last: boolean;
    complete: boolean;
  }[] = [];
  const answersOf = async (): Promise<void> => {
    for (; sent.length > 0; sent.shift()) {
      const extent = sent[0]!;
      let at = extent.tagsAt;
      for (;;) {
        const answer: FromEnclave = await link.next();
        if (answer.kind === 'tags') {
          await pack.write(at, answer.bytes);
          at += answer.bytes.length;
        } else if (answer.kind === 'failed') failed(answer);
        else if (answer.kind === 'done') break;
      }
      if (!extent.complete) continue;
      bytes += extent.bytes;
      objects += extent.last ? 1 : 0;
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
  const settle = async (): Promise<void> => {
    for (listen(); sent.length > 0; listen()) await answering;
  };
  const commit = async (): Promise<void> => {
    await settle();
    await pack.flush();
    await audit.commit();
    uncommitted = 0;
    committedAt = performance.now();
  };

  async function sendExtent(object: StoredObject, offset: number): Promise<boolean> {
    const length = Math.min(EXTENT_BYTES, object.bytes - offset);
    const { path, pin } = object;
    await link.send({
      kind: 'tag',
      ...{ path, offset, length, objectBytes: object.bytes, pin, baseline, pack: pack.name, tagsAt },
    });
    const extent = { path, tagsAt, bytes: length, last: offset + length === object.bytes, complete: true };
    sent.push(extent);
    tagsAt += Math.max(1, Math.ceil(length / blockBytes)) * tagBytes;
    try {
      for await (const piece of pieces(store, object, offset, length)) {
        listen();
        await link.send({ kind: 'data', bytes: piece });
      }
    } catch (error) {
      if (!(error instanceof StoreLoss)) throw error;
      skipped.push({ path, why: error.message });
      extent.complete = false;
    }
    await link.send({ kind: 'data.end', complete: extent.complete });
    listen();
    uncommitted += length;
    return extent.complete;
  }

  try {
    for (const { object, from } of wanted) {
      let offset = from;
      do {
        signal?.throwIfAborted();
        if (!(await sendExtent(object, offset))) break;
        offset += EXTENT_BYTES;
        if (uncommitted >= COMMIT_BYTES || performance.now() - committedAt >= COMMIT_MS) await commit();
      } while (offset < object.bytes);
    }
    await commit();
  } finally {
    await pack.close();
  }
  return { objects, bytes, skipped };
}

/** An extent's bytes, some reads ahead. @throws StoreLoss */
async function* pieces(
  store: Store,
  { path, pin }: StoredObject,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ahead: Promise<Uint8Array>[] = [];
  let asked = 0;
  for (let got = 0; got < length; ) {
    for (; asked < length && ahead.length < READS_AHEAD; asked += AUDIT_PIECE_BYTES_MAX) {
      const piece = store.read(path, pin, offset + asked, Math.min(AUDIT_PIECE_BYTES_MAX, length - asked));
      piece.catch(() => undefined);
      ahead.push(piece);
    }
    const piece = await ahead.shift()!;
    if (piece.length < Math.min(AUDIT_PIECE_BYTES_MAX, length - got))
      throw new StoreLoss('stale', 'It became shorter while it was read');
    got += piece.length;
    yield piece;
  }
}
