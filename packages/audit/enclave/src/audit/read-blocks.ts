import type { Primitives } from '@cloister/crypto';
import type { BlockTagger, Scheme, Selection } from '@cloister/pdp';
import { AUDIT_PIECE_BYTES_MAX, type FindingKind, type FromEnclave } from '@cloister/protocol';
import type { Client } from '../conversation.ts';
import { refuse } from '../failure.ts';
import { describeExtent, type Extent } from '../state/extent.ts';
import type { Head } from '../state/head.ts';

/** A run of blocks of one extent, `from` counting from the extent's first. */
export interface BlockRun {
  readonly extent: Extent;
  readonly from: number;
  readonly count: number;
}

/** What came of a block, or of several. */
export interface Outcome extends BlockRun {
  readonly finding: FindingKind | 'intact';
  /** From the first of them to the last, if they do not follow one another. */
  readonly span?: number;
  /** What a prover was asked, under which file tag; who has both and the proof can verify it again. */
  readonly asked?: { readonly fileTag: Uint8Array; readonly seed: Uint8Array; readonly selection: Selection };
  /** Their tags, as they were stored, or what a prover sent. */
  readonly tags: Uint8Array;
}

/** Reads that may be under way at once: as many as hide a store's latency, and fewer bytes than a channel's window. */
const READS_MAX = 64;
const BYTES_UNDER_WAY_MAX = 2 * 1024 * 1024;
/** Asked for at once, once so many have come: one message less for each, on either side. */
const TOGETHER = 16;

type Read = Extract<FromEnclave, { readonly kind: 'read' }>;

/**
 * Has runs of blocks read with their tags, and makes the tags again: equal ones are the scheme's Verify for challenges of
 * one block each, and name the very block that fails. What fails is read once more, since a fault on the way to the store
 * is none of the store's; what was wrong first and right then is `unsteady`. Outcomes come in the order of the answers.
 */
export async function* readBlocks(
  primitives: Primitives,
  scheme: Scheme,
  head: Head,
  client: Client,
  runs: AsyncIterable<BlockRun>,
): AsyncGenerator<Outcome, void, undefined> {
  const { blockBytes, tagBytes, secretKey } = head;
  const { tagger: taggerOf } = scheme.blockTags!;
  const perRead = Math.floor(AUDIT_PIECE_BYTES_MAX / blockBytes);

  const underWay = new Map<number, { readonly run: BlockRun; readonly read: Read; readonly again: boolean }>();
  let bytesUnderWay = 0;
  let asks = 0;

  async function ask(run: BlockRun, again: boolean): Promise<void> {
    const { extent, from, count } = run;
    const at = from * blockBytes;
    const read: Read = {
      kind: 'read',
      ask: (asks = (asks + 1) >>> 0),
      path: extent.path,
      pin: extent.pin,
      offset: extent.offset + at,
      length: Math.min(count * blockBytes, extent.length - at),
      pack: extent.pack,
      tagsAt: extent.tagsAt + from * tagBytes,
      tagsLength: count * tagBytes,
    };
    underWay.set(read.ask, { run, read, again });
    bytesUnderWay += read.length;
    await client.tell(read);
  }

  const isFull = (reads: number, bytes: number): boolean => underWay.size >= reads || bytesUnderWay >= bytes;

  // The tagger of the extent that was asked for last: runs of one extent follow one another.
  let current: { readonly extent: Extent; readonly tagger: BlockTagger } | undefined;
  async function taggerFor(extent: Extent): Promise<BlockTagger> {
    if (current?.extent !== extent)
      current = { extent, tagger: await taggerOf(secretKey, await describeExtent(primitives, head, extent)) };
    return current.tagger;
  }

  async function* answered(): AsyncGenerator<Outcome, void, undefined> {
    const message = await client.expect('blocks', 'lost');
    const { run, read, again } = underWay.get(message.ask) ?? refuse('request', 'Blocks that nobody asked for');
    underWay.delete(message.ask);
    bytesUnderWay -= read.length;
    if (message.kind === 'lost') {
      yield { ...run, finding: message.loss, tags: new Uint8Array(0) };
      return;
    }
    const { bytes, tags } = message;
    const { extent, from, count } = run;
    // Blocks that are there to their end, with their tags.
    const whole = bytes.length === read.length ? count : Math.min(count, Math.floor(bytes.length / blockBytes));
    const there = bytes.length > read.length ? 0 : Math.min(whole, Math.floor(tags.length / tagBytes));
    const expected = there === 0 ? tags : await (await taggerFor(extent))(from, bytes.subarray(0, there * blockBytes));
    const isRight = (at: number): boolean =>
      at < there &&
      primitives.equal(
        expected.subarray(at * tagBytes, (at + 1) * tagBytes),
        tags.subarray(at * tagBytes, (at + 1) * tagBytes),
      );
    for (let at = 0; at < count; ) {
      const right = isRight(at);
      const start = at;
      while (at < count && isRight(at) === right) at += 1;
      const part = { extent, from: from + start, count: at - start };
      const theirs = tags.subarray(start * tagBytes, at * tagBytes);
      if (right) yield { ...part, finding: again ? 'unsteady' : 'intact', tags: theirs };
      else if (again) yield { ...part, finding: 'corrupt', tags: theirs };
      else await ask(part, true);
    }
  }

  for await (const { extent, from, count } of runs)
    for (let at = 0; at < count; at += perRead) {
      if (isFull(READS_MAX, BYTES_UNDER_WAY_MAX))
        while (isFull(READS_MAX - TOGETHER, BYTES_UNDER_WAY_MAX / 2)) yield* answered();
      await ask({ extent, from: from + at, count: Math.min(perRead, count - at) }, false);
    }
  while (underWay.size > 0) yield* answered();
}
