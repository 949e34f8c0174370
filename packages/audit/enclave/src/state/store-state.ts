import type { Primitives } from '@cloister/crypto';
import { SCHEMES, type Scheme, type SchemeName } from '@cloister/pdp';
import { AUDIT_BLOCK_BYTES, type StateFacts, type ToEnclave } from '@cloister/protocol';
import { freshCoverage } from '../audit/plan.ts';
import type { Client } from '../conversation.ts';
import { refuse } from '../failure.ts';
import { hex } from '../hex.ts';
import { decodeHead, encodeHead, type Head, isHead } from './head.ts';
import { createManifest, type Manifest } from './manifest.ts';
import { isBehind, sealMark } from './mark.ts';
import { createSeal, type Seal } from './seal.ts';

/** What a state leaves its enclave under: each kind of part, and each state's pages, under a key of their own. */
export interface Seals {
  readonly head: Seal;
  readonly page: Seal;
  /** Of what a second store keeps as the counter. */
  readonly mark: Seal;
}

/** What an enclave holds of one store while it works on it. */
export interface StoreState {
  head: Head;
  readonly scheme: Scheme;
  readonly manifest: Manifest;
  readonly seals: Seals;
  /** Whether something is not sealed yet. */
  changed: boolean;
}

type Request<K extends ToEnclave['kind']> = Extract<ToEnclave, { readonly kind: K }>;

/** @throws Refusal `request`, `scheme` */
export async function createState(
  primitives: Primitives,
  { key, root, store, prover, counterAt, scheme: name, blockBytes, period }: Request<'create'>,
  now: number,
  client: Client,
): Promise<StoreState> {
  const scheme = schemeOf(primitives, name, prover);
  if (blockBytes < AUDIT_BLOCK_BYTES.from || blockBytes > AUDIT_BLOCK_BYTES.to)
    refuse('request', `Blocks have ${AUDIT_BLOCK_BYTES.from} to ${AUDIT_BLOCK_BYTES.to} bytes, not ${blockBytes}`);
  const keys = await scheme.keyGen({ blockBytes });
  const isForAll = prover !== '' && scheme.facts.verification === 'public';
  const signing = await primitives.ed25519.generate();
  const head: Head = {
    ...{ counter: 0, root, store, prover, counterAt, scheme: name, blockBytes, created: now, period },
    tagBytes: tagBytesOf(scheme, blockBytes, keys.public),
    id: primitives.random(32),
    secretKey: keys.secret,
    schemeKey: isForAll ? await primitives.sha256(keys.public) : new Uint8Array(0),
    ...{ signingKey: signing.secret, publicKey: signing.public },
    ...{ nextBlock: 0, pages: [], objects: 0, sourceObjects: 0, contentHashObjects: 0, extents: 0, bytes: 0 },
    coverage: freshCoverage(primitives, 0, now),
    ...{ audits: 0, lastAudit: 0, lastFindings: 0 },
  };
  if (!isHead(head)) refuse('request', 'The name of the store, of the prover or of the counter is too long');
  if (prover !== '') await client.tell({ kind: 'public', bytes: keys.public });
  const seals = await sealsOf(primitives, key, head.id);
  return { ...stateOf(primitives, head, scheme, seals, client), changed: true };
}

/** Before it is open, a counter that is behind is brought up to it. @throws Refusal `key`, `state`, `rolled-back` */
export async function openState(
  primitives: Primitives,
  { key, counter, counterAt, mark, head: sealed }: Request<'open'>,
  client: Client,
): Promise<StoreState> {
  const head = decodeHead((await createSeal(primitives, key, 'head')).open(sealed));
  if (head.counterAt !== counterAt)
    refuse('state', `The counter of this state is kept ${head.counterAt === '' ? 'here' : `at "${head.counterAt}"`}`);
  if (head.counter < counter)
    refuse('rolled-back', `This state is number ${head.counter}, and number ${counter} was kept before`);
  const seals = await sealsOf(primitives, key, head.id);
  const state = stateOf(primitives, head, schemeOf(primitives, head.scheme, head.prover), seals, client);
  const behind =
    counterAt === ''
      ? head.counter > counter
      : await isBehind(primitives, seals.mark, mark, counterAt, { counter: head.counter, head: sealed });
  if (behind) await tellMark(primitives, state, sealed, client);
  return state;
}

export async function sealsOf(primitives: Primitives, key: Uint8Array, id: Uint8Array): Promise<Seals> {
  return {
    head: await createSeal(primitives, key, 'head'),
    page: await createSeal(primitives, key, `page ${hex(id)}`),
    mark: await createSeal(primitives, key, `counter ${hex(id)}`),
  };
}

/** Asks the client for pages. */
export const pagesFrom =
  (client: Client) =>
  async (id: Uint8Array): Promise<Uint8Array> => {
    await client.tell({ kind: 'page.want', id });
    const answer = await client.pick('page', 'page.lost');
    return answer.kind === 'page' ? answer.bytes : refuse('state', 'A page of this state is missing');
  };

export function stateOf(primitives: Primitives, head: Head, scheme: Scheme, seals: Seals, client: Client): StoreState {
  const { blockBytes, pages: places } = head;
  const manifest = createManifest({ primitives, seal: seals.page, blockBytes, places, fetch: pagesFrom(client) });
  return { head, scheme, manifest, seals, changed: false };
}

/**
 * Without a prover: schemes whose tags the enclave can make again from the blocks that it has read, and whose keys are one
 * secret. With one: those whose proofs are short, of data that stays as it was tagged.
 * @throws Refusal `scheme`
 */
export function schemeOf(primitives: Primitives, name: string, prover: string): Scheme {
  const scheme = Object.hasOwn(SCHEMES, name) ? SCHEMES[name as SchemeName](primitives) : undefined;
  if (scheme?.blockTags === undefined) return refuse('scheme', `No scheme for audits: "${name}"`);
  const { verification, data, modulus, broken, proofHoldsBlocks } = scheme.facts;
  if (prover === '')
    return verification === 'private' && !modulus
      ? scheme
      : refuse('scheme', `No scheme for storage without a prover: "${name}"`);
  // What a prover keeps of a scheme for copies is not the file.
  const isOfCopies = 'ofReplica' in scheme;
  return data === 'static' && broken === undefined && !proofHoldsBlocks && !isOfCopies
    ? scheme
    : refuse('scheme', `No scheme for storage with a prover: "${name}"`);
}

/** Bytes of a tag, which depends on the size of blocks and on the key alone. */
function tagBytesOf({ facts, blockTags }: Scheme, blockBytes: number, publicKey: Uint8Array): number {
  const any = { fileId: new Uint8Array(32), salt: new Uint8Array(32), version: 0, length: 0 };
  return blockTags!.size({ scheme: facts.name, blockBytes, ...any }, publicKey);
}

/** Seals what has changed, and waits until it is kept. @throws Refusal `full`, `request` */
export async function commit(primitives: Primitives, state: StoreState, client: Client): Promise<void> {
  if (!state.changed) return;
  for await (const page of state.manifest.save()) await client.tell({ kind: 'page', ...page });
  const counter = state.head.counter + 1;
  state.head = { ...state.head, counter, pages: [...state.manifest.places] };
  const sealed = state.seals.head.seal(encodeHead(state.head));
  await client.tell({ kind: 'head', bytes: sealed });
  await client.expect('kept');
  await tellMark(primitives, state, sealed, client);
  state.changed = false;
}

async function tellMark(
  primitives: Primitives,
  { head: { counter }, seals }: StoreState,
  sealed: Uint8Array,
  client: Client,
): Promise<void> {
  const bytes = sealMark(seals.mark, { counter, head: await primitives.sha256(sealed) });
  await client.tell({ kind: 'mark', counter, bytes });
  await client.expect('kept');
}

/** What may be said of a state. */
export function factsOf({ head }: StoreState): StateFacts {
  const { root, store, prover, counterAt, scheme, blockBytes, tagBytes, objects, extents, bytes } = head;
  const { created, period, counter, coverage } = head;
  return {
    ...{ root, store, prover, counterAt, scheme, blockBytes, tagBytes, objects, extents, bytes },
    ...{ created, period, counter },
    ...{ sourceObjects: head.sourceObjects, contentHashObjects: head.contentHashObjects },
    blocks: head.nextBlock,
    periodStart: coverage.start,
    periodBlocks: coverage.total,
    periodDone: coverage.done,
    ...{ audits: head.audits, lastAudit: head.lastAudit, lastFindings: head.lastFindings },
    ...{ publicKey: head.publicKey, id: head.id },
  };
}
