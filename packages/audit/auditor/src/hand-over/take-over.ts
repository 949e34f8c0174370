import { createHash } from 'node:crypto';
import { measurementDigest } from '@cloister/evidence';
import { keyEnvelope, type StateFacts } from '@cloister/protocol';
import { AuditError, fail } from '../audit-error.ts';
import { openHome } from '../key-home.ts';
import { type AuditContext, CLOSED, keepingIn, withEnclave } from '../open-audit.ts';
import { withStateDirectory } from '../state-directory.ts';
import { bundledPage, bundledPart, copyTags } from './bundle.ts';
import { forgetOffer, offerFor, pendingOffer } from './pending-offers.ts';

export interface TakenOver extends StateFacts {
  readonly name: string;
  /** Of the key that receipts are signed with here. */
  readonly fingerprint: string;
}

/**
 * Takes over what an owner has handed to an offer of this machine's: a state like others from then on. A kill leaves it
 * taken over, or not at all.
 * @param path the directory that came from the owner
 * @throws AuditError `bad-envelope`, `no-offer`, `bad-key`
 */
export async function takeOver(context: AuditContext, path: string): Promise<TakenOver> {
  const { measureEnclave, signal, warn, unlock = CLOSED } = context;
  const [envelope, head] = [await bundledPart(path, 'envelope'), await bundledPart(path, 'head')];
  const decoded = envelope && keyEnvelope.decode(envelope);
  if (envelope === undefined || head === undefined || decoded === undefined)
    return fail('bad-envelope', `"${path}" is nothing that was handed over, or not all of it`);
  const name = await offerFor(decoded.evidence);
  if (name === undefined)
    return fail(
      'no-offer',
      'This was handed to no offer that waits here: to another machine, or it was taken over before',
    );
  const waiting = (): void => warn?.('Another process works on this audit; waiting for it');
  return withStateDirectory(name, signal, waiting, async (directory) => {
    const offer = await pendingOffer(name);
    if (offer === undefined || (await directory.head()) !== undefined)
      return fail('no-offer', `The offer "${name}" was taken up before`);
    const measurement = await measureEnclave();
    const home = await openHome(name, unlock, measurementDigest(measurement));
    if (home === undefined) return fail('bad-key', `The key of the offer "${name}" is not there`);
    const { key, counter: counterHome } = home;
    const { counter, mark } = await counterHome.read();
    const facts = await withEnclave(context, measurement, async (link) => {
      const keeping = keepingIn(directory, counterHome, link);
      const take = { kind: 'take-over', key, counter, mark, offer: offer.sealed, envelope, head } as const;
      await link
        .run(take, async (answer) => {
          if (answer.kind !== 'page.want') return void (await keeping.serve(answer));
          const bytes = await bundledPage(path, answer.id);
          await link.send(bytes === undefined ? { kind: 'page.lost' } : { kind: 'page', bytes });
        })
        .catch((error: unknown) => {
          // What is damaged is what came, and nothing of this machine's.
          if (error instanceof AuditError && error.code === 'bad-state') fail('bad-envelope', error.message, error);
          throw error;
        });
      const { prover, publicKey } = keeping.facts();
      if (prover === '') await copyTags(`${path}/tags`, directory.tags);
      else {
        const proverKey = await bundledPart(path, 'public');
        if (proverKey !== undefined) await directory.writePublicKey(proverKey);
      }
      await directory.writeFingerprint(fingerprintFor(publicKey));
      await link.run({ kind: 'commit' }, async (answer) => void (await keeping.serve(answer)));
      return keeping.facts();
    }).finally(() => counterHome.close());
    await forgetOffer(name);
    return { name, fingerprint: fingerprintFor(facts.publicKey), ...facts };
  });
}

const fingerprintFor = (publicKey: Uint8Array): string => createHash('sha256').update(publicKey).digest('hex');
