import { decodeOfferPolicy, type OfferPolicy, verifyOffer } from '@cloister/evidence';
import { fail } from '../audit-error.ts';
import { knownObjects } from '../known-objects.ts';
import { type AuditContext, withAudit } from '../open-audit.ts';
import { copyTags, newBundle, writeBundledPage, writePart } from './bundle.ts';
import { drawnNonce, forgetNonce } from './nonce.ts';

export interface HandOverOptions {
  /** What the other machine's enclave has offered. */
  readonly offer: Uint8Array;
  readonly policy: OfferPolicy;
  /** SHA-256 of the key that the offer must be signed with, in hexadecimal. */
  readonly fingerprint?: string | undefined;
  /** The store as the other machine names it; as it is named here unless told. */
  readonly store?: string | undefined;
  /** The directory that is made for it. */
  readonly out: string;
}

export interface HandedOver {
  readonly name: string;
  readonly store: string;
  readonly path: string;
  /** Of the key that the other side's receipts will be signed with. */
  readonly fingerprint: string;
}

/** @throws AuditError `bad-policy` */
export function policyOf(json: string, path: string): OfferPolicy {
  return decodeOfferPolicy(json) ?? fail('bad-policy', `"${path}" is no policy`);
}

/**
 * Hands an audit's keys, with all that was tagged, to an enclave whose offer meets the owner's policy. The audit here stays:
 * both sides may tag and audit from then on, each under salts, a counter and receipts of its own.
 * @throws AuditError `no-nonce`, `bad-offer`, `bad-out`, `no-audit`
 */
export async function handOver(
  context: AuditContext,
  name: string,
  { offer, policy, fingerprint, store, out }: HandOverOptions,
  now: number = Date.now(),
): Promise<HandedOver> {
  return withAudit(context, name, undefined, async (audit) => {
    const { link, directory, facts } = audit;
    const drawn = await drawnNonce(name);
    if (drawn === undefined) return fail('no-nonce', `No nonce of "${name}" waits for an offer: each is good for one`);
    const question = { policy, nonce: drawn.nonce, age: now - drawn.drawn, fingerprint };
    const verdict = verifyOffer(offer, question);
    if (!verdict.ok) return fail('bad-offer', `This offer is refused: ${verdict.why}`);
    const publicKey = facts.prover === '' ? undefined : await directory.publicKey();
    const { packs } = await knownObjects(audit);

    const bundle = await newBundle(out);
    await forgetNonce(name);
    const { secret } = drawn;
    const { evidence, claims } = verdict;
    const as = store ?? facts.store;
    if (facts.prover === '') await copyTags(directory.tags, bundle.tags, packs);
    if (publicKey !== undefined) await writePart(bundle, 'public', publicKey);
    await link.run({ kind: 'hand-over', recipient: claims.recipient, evidence, secret, store: as }, async (answer) => {
      if (answer.kind === 'page') await writeBundledPage(bundle, answer.id, answer.bytes);
      else if (answer.kind === 'handed') {
        await writePart(bundle, 'head', answer.head);
        // What is complete has it.
        await writePart(bundle, 'envelope', answer.envelope);
      } else await audit.serve(answer);
    });
    return { name, store: as, path: out, fingerprint: verdict.fingerprint };
  });
}
