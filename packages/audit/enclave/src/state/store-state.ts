import type { Primitives } from '@cloister/crypto';
import { SCHEMES, type Scheme, type SchemeName } from '@cloister/pdp';
import { AUDIT_BLOCK_BYTES, type StateFacts, type ToEnclave } from '@cloister/protocol';
import { freshCoverage } from '../audit/plan.ts';
import type { Client } from '../conversation.ts';
import { refuse } from '../failure.ts';
import { decodeHead, encodeHead, type Head, isHead } from './head.ts';
import { createManifest, type Manifest } from './manifest.ts';
import { createSeal, type Seal } from './seal.ts';

/** What an enclave holds of one store while it works on it. */
export interface StoreState {
  head: Head;
  readonly scheme: Scheme;
  readonly manifest: Manifest;
  readonly headSeal: Seal;
  /** Whether something is not sealed yet. */
  changed: boolean;
}

type Request<K extends ToEnclave['kind']> = Extract<ToEnclave, { readonly kind: K }>;

/** @throws Refusal `request` */
export async function createState(
  primitives: Primitives,
  { key, root, store, scheme: name, blockBytes, period }: Request<'create'>,
  now: number,
  client: Client,
): Promise<StoreState> {
  const scheme = schemeOf(primitives, name);
  if (blockBytes < AUDIT_BLOCK_BYTES.from || blockBytes > AUDIT_BLOCK_BYTES.to)
    refuse('request', `Blocks have ${AUDIT_BLOCK_BYTES.from} to ${AUDIT_BLOCK_BYTES.to} bytes, not ${blockBytes}`);
  const signing = await primitives.ed25519.generate();
  const head: Head = {
    ...{ counter: 0, root, store, scheme: name, blockBytes, created: now, period },
    id: primitives.random(32),
    secretKey: (await scheme.keyGen()).secret,
    ...{ signingKey: signing.secret, publicKey: signing.public },
    ...{ nextBlock: 0, pages: [], objects: 0, sourceObjects: 0, contentHashObjects: 0, extents: 0, bytes: 0 },
    coverage: freshCoverage(primitives, 0, now),
    ...{ audits: 0, lastAudit: 0, lastFindings: 0 },
  };
  if (!isHead(head)) refuse('request', 'The name of the store is too long');
  const state = await stateOf(primitives, head, scheme, key, client);
  return { ...state, changed: true };
}

/** @throws Refusal `key`, `state`, `rolled-back` */
export async function openState(
  primitives: Primitives,
  { key, counter, head: sealed }: Request<'open'>,
  client: Client,
): Promise<StoreState> {
  const head = decodeHead((await createSeal(primitives, key, 'head')).open(sealed));
  if (head.counter < counter)
    refuse('rolled-back', `This state is number ${head.counter}, and number ${counter} was kept before`);
  return stateOf(primitives, head, schemeOf(primitives, head.scheme), key, client);
}

async function stateOf(
  primitives: Primitives,
  head: Head,
  scheme: Scheme,
  key: Uint8Array,
  client: Client,
): Promise<StoreState> {
  const id = [...head.id].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const manifest = createManifest({
    primitives,
    seal: await createSeal(primitives, key, `page ${id}`),
    blockBytes: head.blockBytes,
    places: head.pages,
    async fetch(page) {
      await client.tell({ kind: 'page.want', id: page });
      const answer = await client.pick('page', 'page.lost');
      return answer.kind === 'page' ? answer.bytes : refuse('state', 'A page of this state is missing');
    },
  });
  return { head, scheme, manifest, headSeal: await createSeal(primitives, key, 'head'), changed: false };
}

/** Schemes whose tags the enclave can make again from the blocks that it has read, and whose keys are one secret. */
function schemeOf(primitives: Primitives, name: string): Scheme {
  const scheme = Object.hasOwn(SCHEMES, name) ? SCHEMES[name as SchemeName](primitives) : undefined;
  return scheme?.facts.verification === 'private' && !scheme.facts.modulus && scheme.blockTags !== undefined
    ? scheme
    : refuse('request', `No scheme for storage without a prover: "${name}"`);
}

/** Bytes of a tag, which with a private scheme depends on the size of blocks alone. */
export function tagBytesOf({ facts, blockTags }: Scheme, blockBytes: number): number {
  const any = { fileId: new Uint8Array(32), salt: new Uint8Array(32), version: 0, length: 0 };
  return blockTags!.size({ scheme: facts.name, blockBytes, ...any }, new Uint8Array(0));
}

/** Seals what has changed, and waits until it is kept. @throws Refusal `full`, `request` */
export async function commit(state: StoreState, client: Client): Promise<void> {
  if (!state.changed) return;
  for await (const page of state.manifest.save()) await client.tell({ kind: 'page', ...page });
  const counter = state.head.counter + 1;
  state.head = { ...state.head, counter, pages: [...state.manifest.places] };
  await client.tell({ kind: 'head', counter, bytes: state.headSeal.seal(encodeHead(state.head)) });
  await client.expect('kept');
  state.changed = false;
}

export function factsOf({ head, scheme: schemeInUse }: StoreState): StateFacts {
  const { root, store, scheme, blockBytes, objects, extents, bytes, created, period, coverage, counter } = head;
  return {
    ...{ root, store, scheme, blockBytes, objects, extents, bytes, created, period, counter },
    sourceObjects: head.sourceObjects,
    contentHashObjects: head.contentHashObjects,
    tagBytes: tagBytesOf(schemeInUse, blockBytes),
    blocks: head.nextBlock,
    periodStart: coverage.start,
    periodBlocks: coverage.total,
    periodDone: coverage.done,
    ...{ audits: head.audits, lastAudit: head.lastAudit, lastFindings: head.lastFindings },
    publicKey: head.publicKey,
  };
}
