import type { Primitives } from '@cloister/crypto';
import { PdpError, SALT_BYTES, type Scheme } from '@cloister/pdp';
import { AUDIT_BLOCK_BYTES, keyEnvelope, type ToEnclave } from '@cloister/protocol';
import { freshCoverage } from '../audit/plan.ts';
import type { Client } from '../conversation.ts';
import { refuse } from '../failure.ts';
import { decodeHanded, type Handed, type Head } from '../state/head.ts';
import { resealPages } from '../state/manifest.ts';
import { pagesFrom, type StoreState, schemeOf, sealsOf, stateOf } from '../state/store-state.ts';
import { openEnvelope } from './envelope.ts';
import { openKeyOffer } from './offer.ts';
import { transitSeals } from './transit-seals.ts';

type Request = Extract<ToEnclave, { readonly kind: 'take-over' }>;

/** No tag of a block is longer, which has at least as many bytes. */
const TAG_BYTES_MAX = AUDIT_BLOCK_BYTES.from;

/**
 * Takes over what an owner has sealed for an offer of this enclave's: from then on it is a state like others, under keys, a
 * counter and a coverage of its own, and what opened the offer is not in it. An offer is good for one state: once one was kept,
 * the counter is above 0, or a second store has a mark.
 * @throws Refusal `key`, `state`, `envelope`, `scheme`
 */
export async function takeState(
  primitives: Primitives,
  request: Request,
  now: number,
  client: Client,
): Promise<StoreState> {
  const { key, counter, mark } = request;
  if (counter > 0 || mark.length > 0) refuse('envelope', 'This offer was taken up before');
  const offer = await openKeyOffer(primitives, key, request.offer);
  const envelope = keyEnvelope.decode(request.envelope);
  if (envelope === undefined) return refuse('envelope', 'This is no envelope of keys, or it was damaged');
  if (!primitives.equal(envelope.evidence, offer.evidence)) refuse('envelope', 'These keys are for another offer');
  const contents = openEnvelope(offer.recipientSecret, envelope);
  if (contents === undefined) return refuse('envelope', 'These keys were not sealed for this offer, or were changed');
  if (!primitives.equal(await primitives.sha256(contents.secret), offer.nonce))
    refuse('envelope', 'These keys were not sealed by whoever has drawn the nonce');
  if (!primitives.equal(await primitives.sha256(request.head), envelope.head))
    refuse('envelope', 'This head is not the one that was handed over with these keys');
  const transit = await transitSeals(primitives, contents.transitKey, envelope.state);
  const handed = decodeHanded(transit.head.open(request.head));
  if (handed === undefined || !primitives.equal(handed.id, envelope.state) || handed.scheme !== envelope.scheme)
    return refuse('envelope', 'What was handed over is malformed');
  const scheme = schemeOf(primitives, handed.scheme, handed.prover);
  if (!(await isUsable(scheme, handed))) refuse('envelope', 'What was handed over has no key of its scheme');

  const seals = await sealsOf(primitives, key, handed.id);
  const fetch = pagesFrom(client);
  const pages = await resealPages(
    primitives,
    { places: handed.pages, from: transit.page, to: seals.page, fetch },
    (page) => client.tell({ kind: 'page', ...page }),
  );
  const head: Head = {
    ...{ ...handed, pages, counter: 0, created: now },
    ...{ root: offer.root, counterAt: offer.counterAt, signingKey: offer.signingKey, publicKey: offer.publicKey },
    coverage: freshCoverage(primitives, handed.nextBlock, now),
    ...{ audits: 0, lastAudit: 0, lastFindings: 0 },
  };
  return { ...stateOf(primitives, head, scheme, seals, client), changed: true };
}

/** Whether tags can be made again with what was handed over. */
async function isUsable(scheme: Scheme, { scheme: name, secretKey, blockBytes, tagBytes }: Handed): Promise<boolean> {
  const { from, to } = AUDIT_BLOCK_BYTES;
  if (blockBytes < from || blockBytes > to || tagBytes < 1 || tagBytes > TAG_BYTES_MAX) return false;
  const none = { fileId: new Uint8Array(32), salt: new Uint8Array(SALT_BYTES), version: 0, length: 0 };
  try {
    await scheme.blockTags!.tagger(secretKey, { scheme: name, blockBytes, ...none });
    return true;
  } catch (error) {
    if (error instanceof PdpError) return false;
    throw error;
  }
}
