import type { Primitives } from '@cloister/crypto';
import { SEALING_KEY_BYTES, type ToEnclave } from '@cloister/protocol';
import type { Client } from '../conversation.ts';
import { refuse } from '../failure.ts';
import { encodeHanded } from '../state/head.ts';
import { resealPages } from '../state/manifest.ts';
import { pagesFrom, type StoreState } from '../state/store-state.ts';
import { sealEnvelope } from './envelope.ts';
import { transitSeals } from './transit-seals.ts';

type Request = Extract<ToEnclave, { readonly kind: 'hand-over' }>;

/**
 * Gives a state to the enclave that has made an offer: pages and head under a key drawn for this, the key in the envelope. This
 * state stays as it is. That the offer meets its owner's policy is its client's to see: who has this enclave do anything
 * has given it the sealing key, with which the keys could be read from the disk.
 * @throws Refusal `request`, `state`
 */
export async function giveState(
  primitives: Primitives,
  { head, seals }: StoreState,
  { recipient, evidence, secret, store }: Request,
  client: Client,
): Promise<void> {
  const transitKey = primitives.random(SEALING_KEY_BYTES);
  const transit = await transitSeals(primitives, transitKey, head.id);
  const fetch = pagesFrom(client);
  const pages = await resealPages(
    primitives,
    { places: head.pages, from: seals.page, to: transit.page, fetch },
    (page) => client.tell({ kind: 'page', ...page }),
  );
  const handed = encodeHanded(head, { store, pages });
  if (handed === undefined) return refuse('request', 'The name of the store is too long');
  const sealed = transit.head.seal(handed);
  const bound = { evidence, state: head.id, scheme: head.scheme, head: await primitives.sha256(sealed) };
  const envelope = sealEnvelope(primitives, recipient, bound, { transitKey, secret });
  if (envelope === undefined) return refuse('request', 'The offer has no key that anything can be sealed to');
  await client.tell({ kind: 'handed', head: sealed, envelope });
}
