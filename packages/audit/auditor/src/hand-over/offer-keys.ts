import { createHash } from 'node:crypto';
import { encodeQuote, measurementDigest, readOffer } from '@cloister/evidence';
import { type AuditRoot, type FromEnclave, keyOffer } from '@cloister/protocol';
import { fail } from '../audit-error.ts';
import { isBegun } from '../counter-home.ts';
import { type KeyHome, makeHome, openHome, removeHome } from '../key-home.ts';
import { type AuditContext, CLOSED, withEnclave } from '../open-audit.ts';
import { withStateDirectory } from '../state-directory.ts';
import { objectName } from '../stores/conditional-object.ts';
import { keepOffer, pendingOffer } from './pending-offers.ts';

export interface OfferOptions {
  /** What the audit will be called here. */
  readonly name: string;
  /** 32 bytes that the owner has drawn. */
  readonly nonce: Uint8Array;
  /** Where the sealing key is to live: in a file, unless told. */
  readonly keyHome?: KeyHome | undefined;
  /** The second store that is to keep the counter. */
  readonly counterAt?: string | undefined;
}

export interface OfferedKeys {
  readonly name: string;
  readonly root: AuditRoot;
  /** For the owner, who compares the fingerprint with what was shown here. */
  readonly file: Uint8Array;
  readonly fingerprint: string;
}

const none = new Uint8Array(0);

/**
 * Has an enclave of this machine offer to take an audit's keys; an offer that waited under this name is void.
 * @throws AuditError `name-taken`
 */
export async function offerKeys(context: AuditContext, options: OfferOptions): Promise<OfferedKeys> {
  const { measureEnclave, signal, warn, unlock = CLOSED } = context;
  const { name, nonce, keyHome = { kind: 'file' } } = options;
  const wanted = options.counterAt === undefined ? '' : objectName(options.counterAt);
  const waiting = (): void => warn?.('Another process works on this audit; waiting for it');
  return withStateDirectory(name, signal, waiting, async (directory) => {
    if ((await directory.head()) !== undefined) fail('name-taken', `"${name}" is audited here already`);
    const measurement = await measureEnclave();
    const measured = measurementDigest(measurement);
    if ((await pendingOffer(name)) === undefined) {
      const known = await openHome(name, unlock, measured);
      const kept = await known?.counter.read();
      known?.counter.close();
      if (kept !== undefined && isBegun(kept))
        fail('rolled-back', `The state of "${name}" is gone from "${directory.path}"`);
    }
    // The key of an offer that nobody took up, which may open under this boot or not.
    await removeHome(name, (line) => warn?.(line));
    const { root, key, quote, counter } = await makeHome(name, keyHome, wanted, unlock, measured);
    counter.close();
    let offered: Extract<FromEnclave, { readonly kind: 'offered' }> | undefined;
    await withEnclave(context, measurement, (link) =>
      link.run({ kind: 'offer', key, root, counterAt: counter.at, nonce }, (answer) => {
        if (answer.kind === 'offered') offered = answer;
      }),
    );
    const { evidence, sealed } = offered ?? fail('enclave-failed', 'The enclave made no offer');
    await keepOffer(name, { evidence, sealed });
    const about = new Uint8Array(createHash('sha256').update(evidence).digest());
    const quoted = quote === undefined ? none : encodeQuote(await quote(about));
    const file = keyOffer.encode({ kind: 'offer', evidence, quote: quoted });
    const read = readOffer(file);
    if (typeof read === 'string') return fail('enclave-failed', `The enclave made a bad offer: ${read}`);
    return { name, root, file, fingerprint: read.fingerprint };
  });
}
