import { nodePrimitives } from '@cloister/crypto';
import { fromEnclave, type ToEnclave, toEnclave } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { memoryChannel } from '../../../host/launcher/src/channels/memory-channel.ts';
import { mutate, randomFrom } from '../../../protocol/src/testing/mutate.ts';
import { TO_ENCLAVE_SAMPLES } from '../../../protocol/src/testing/sample-messages.ts';
import { serve } from './main.ts';

const SEED = 20261126;
const SEQUENCES = 1500;
const {
  measured,
  create,
  tag,
  data,
  'data.end': dataEnd,
  commit,
  kept,
  list,
  audit,
  blocks,
  proof,
  offer,
  'hand-over': handOver,
  'take-over': takeOver,
} = TO_ENCLAVE_SAMPLES;
const blocksAgain: ToEnclave = { ...blocks, ask: 2 };
/** What a client says whose store has other tags: most of a sequence is this, or nothing would come far. */
const HONEST: readonly ToEnclave[] = [
  measured,
  create,
  tag,
  data,
  dataEnd,
  commit,
  kept,
  kept,
  list,
  audit,
  blocks,
  blocksAgain,
  commit,
  kept,
  kept,
];

/** The same where a prover answers, and proves nothing. */
const WITH_PROVER: readonly ToEnclave[] = HONEST.map((message) => {
  if (message === create) return { ...create, prover: 'http://prover', scheme: 'gmac-cpor' };
  if (message === blocks) return proof;
  return message === blocksAgain ? { ...proof, ask: 2 } : message;
});

/** What hands a state over, after an offer of its own; nobody else's is a key that it would take. */
const HANDING: readonly ToEnclave[] = [measured, offer, create, tag, data, dataEnd, commit, kept, kept, handOver];

/** Says all of it to a new enclave, hands it the page that it made last, then leaves; returns the kinds of the answers. */
async function say(frames: readonly Uint8Array[]): Promise<readonly string[]> {
  const [near, far] = memoryChannel();
  const answers: string[] = [];
  let page: Uint8Array = new Uint8Array(1);
  near.listen({
    frame(frame) {
      const answer = fromEnclave.decode(frame);
      answers.push(answer?.kind ?? 'nothing');
      if (answer?.kind === 'page') page = answer.bytes;
      if (answer?.kind === 'page.want') near.send(toEnclave.encode({ kind: 'page', bytes: page }));
    },
  });
  const served = serve(far, nodePrimitives, () => 1_000_000);
  for (const frame of frames) near.send(frame);
  // The enclave may wait for what never comes: leaving ends it.
  for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  near.close('The client leaves');
  await served;
  return answers;
}

test.each([
  ['blocks', HONEST],
  ['proofs', WITH_PROVER],
])(
  'a client that keeps to the order is answered: with %s',
  async (_what, messages) => {
    const answers = await say(messages.map((message) => toEnclave.encode(message)));
    expect(answers.filter((kind) => kind === 'failed' || kind === 'nothing')).toEqual([]);
    expect(answers.filter((kind) => kind === 'audited')).toHaveLength(1);
  },
  10_000,
);

test('a client that hands a state over is given it, and one that takes over what nobody has sealed is refused', async () => {
  const frames = (messages: readonly ToEnclave[]) => messages.map((message) => toEnclave.encode(message));
  const handing = await say(frames(HANDING));
  expect(handing.filter((kind) => kind === 'failed' || kind === 'nothing')).toEqual([]);
  expect(handing.filter((kind) => kind === 'offered' || kind === 'handed')).toEqual(['offered', 'handed']);
  expect(await say(frames([measured, takeOver]))).toEqual(['done', 'failed']);
});

test(`nothing that a client says ends an enclave but its leaving (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const samples = Object.values(TO_ENCLAVE_SAMPLES).map((message) => toEnclave.encode(message));
  const honest = [HONEST, WITH_PROVER, HANDING].map((all) => all.map((message) => toEnclave.encode(message)));
  const kinds = new Map<string, number>();
  for (let sequence = 0; sequence < SEQUENCES; sequence += 1) {
    const frames = honest[sequence % 3]!.flatMap((frame) => {
      switch (random(8)) {
        case 0:
          return [mutate(random, frame)];
        case 1:
          return [samples[random(samples.length)]!, frame];
        case 2:
          return [];
        case 3:
          return [frame, frame];
        default:
          return [frame];
      }
    });
    for (const kind of await say(frames)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  expect(kinds.get('nothing')).toBeUndefined();
  // Sequences come as far as audits and hand-overs, and are refused.
  expect(kinds.get('audited')!).toBeGreaterThan(SEQUENCES / 30);
  expect(kinds.get('handed')!).toBeGreaterThan(SEQUENCES / 30);
  expect(kinds.get('failed')!).toBeGreaterThan(SEQUENCES / 10);
}, 60_000);
