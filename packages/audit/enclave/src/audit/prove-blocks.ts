import type { Primitives } from '@cloister/crypto';
import { type Challenge, encodeRecord, type Scheme, type Selection } from '@cloister/pdp';
import { type ExtentRequest, PROVER_READ_BYTES_MAX } from '@cloister/protocol';
import type { Client } from '../conversation.ts';
import { refuse } from '../failure.ts';
import type { Extent } from '../state/extent.ts';
import type { Head } from '../state/head.ts';
import type { BlockRun, Outcome } from './read-blocks.ts';

/** Challenges that may be under way at once: what a prover answers at once, unless told. */
const CHALLENGES_MAX = 4;
/** Blocks of one challenge: what is not proven is known no closer. */
const BLOCKS_MAX = 4096;

/** Blocks of one extent, which one challenge asks for. */
interface Question {
  readonly extent: Extent;
  readonly runs: readonly BlockRun[];
  readonly count: number;
}

/**
 * Has a prover show that it has blocks: the scheme's Challenge and Verify, for each extent that some of them belong to. What is not
 * proven is asked for once more, the same blocks under fresh coefficients, since a fault on the way to the prover is none
 * of the prover's; what was proven then is `unsteady`. Which blocks are wrong nobody can say. Outcomes come in the order of
 * the answers.
 */
export async function* proveBlocks(
  _primitives: Primitives,
  scheme: Scheme,
  { blockBytes, secretKey }: Head,
  client: Client,
  runs: AsyncIterable<BlockRun>,
): AsyncGenerator<Outcome, void, undefined> {
  const most = Math.min(BLOCKS_MAX, Math.floor(PROVER_READ_BYTES_MAX / blockBytes));
  const underWay = new Map<number, { question: Question; challenge: Challenge; again: boolean }>();
  let asks = 0;

  async function ask(question: Question, again: boolean): Promise<void> {
    const { path, offset, pack, tagsAt, fileTag } = question.extent;
    const challenge = await scheme.challenge(secretKey, fileTag, selectionOf(question));
    const body: ExtentRequest = { path, offset, pack, tagsAt, fileTag, challenge: challenge.message };
    asks = (asks + 1) >>> 0;
    underWay.set(asks, { question, challenge, again });
    await client.tell({ kind: 'challenge', ask: asks, body: encodeRecord(body) });
  }

  async function* answered(): AsyncGenerator<Outcome, void, undefined> {
    const message = await client.expect('proof', 'lost');
    const { question, challenge, again } =
      underWay.get(message.ask) ?? refuse('request', 'A proof that nobody asked for');
    underWay.delete(message.ask);
    const { extent, runs: parts, count } = question;
    const from = parts[0]!.from;
    const last = parts.at(-1)!;
    const { seed, selection } = challenge;
    const part = { extent, from, count, span: last.from + last.count - from };
    const asked = { fileTag: extent.fileTag, seed, selection };
    // Who has failed once is not believed about why he does not answer.
    if (message.kind === 'lost')
      return yield { ...part, finding: again ? 'not-proven' : message.loss, tags: new Uint8Array(0) };
    const { accepted } = await scheme.verify(secretKey, extent.fileTag, challenge, message.bytes);
    if (accepted) yield { ...part, asked, finding: again ? 'unsteady' : 'intact', tags: message.bytes };
    else if (again) yield { ...part, asked, finding: 'not-proven', tags: message.bytes };
    else await ask(question, true);
  }

  for await (const question of questionsOf(runs, most)) {
    while (underWay.size >= CHALLENGES_MAX) yield* answered();
    await ask(question, false);
  }
  while (underWay.size > 0) yield* answered();
}

/** Runs of one extent, which follow one another, together. */
async function* questionsOf(runs: AsyncIterable<BlockRun>, most: number): AsyncGenerator<Question> {
  let question: { extent: Extent; runs: BlockRun[]; count: number } | undefined;
  for await (const { extent, from, count } of runs)
    for (let at = 0; at < count; ) {
      if (question !== undefined && (question.extent !== extent || question.count === most)) {
        yield question;
        question = undefined;
      }
      question ??= { extent, runs: [], count: 0 };
      const some = Math.min(count - at, most - question.count);
      question.runs.push({ extent, from: from + at, count: some });
      question.count += some;
      at += some;
    }
  if (question !== undefined) yield question;
}

function selectionOf({ runs }: Question): Selection {
  const [{ from, count }] = runs as [BlockRun];
  if (runs.length === 1) return { kind: 'range', first: from, count };
  return {
    kind: 'list',
    indices: runs.flatMap((run) => Array.from({ length: run.count }, (_, at) => run.from + at)),
  };
}
