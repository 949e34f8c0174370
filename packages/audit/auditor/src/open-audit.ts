import { createHash } from 'node:crypto';
import { measurementDigest } from '@cloister/evidence';
import type { EnclaveMeasurement, StartLone } from '@cloister/launcher';
import type { StateFacts } from '@cloister/protocol';
import { fail } from './audit-error.ts';
import type { CounterHome } from './counter-home.ts';
import { isBegun } from './counter-home.ts';
import { type Answer, type EnclaveLink, linkTo } from './enclave-link.ts';
import { forgetOffer } from './hand-over/pending-offers.ts';
import { type Home, type KeyHome, makeHome, openHome, type Unlock } from './key-home.ts';
import type { ProverTimes } from './prover/prover-client.ts';
import { tagsBeside } from './prover/tags-beside.ts';
import { type StateDirectory, withStateDirectory } from './state-directory.ts';
import { type Limits, meter } from './stores/meter.ts';
import { openStore } from './stores/open-store.ts';
import type { Store } from './stores/store.ts';

/** What work on audits needs and reports to. */
export interface AuditContext {
  readonly startEnclave: StartLone;
  /** What an enclave that it starts is. */
  readonly measureEnclave: () => Promise<EnclaveMeasurement>;
  /** How stores are opened; as their names say unless told. */
  readonly openStore?: typeof openStore | undefined;
  /** For keys that do not lie open. */
  readonly unlock?: Unlock | undefined;
  /** How long provers are waited for. */
  readonly proverTimes?: ProverTimes | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: AuditProgress) => void) | undefined;
  readonly warn?: ((line: string) => void) | undefined;
}

/** A store of which no more is read than its owner allows. @throws AuditError `bad-store` */
export const opened = (context: AuditContext, name: string, limits?: Limits | undefined): Promise<Store> =>
  (context.openStore ?? openStore)(name, {
    meter: limits === undefined ? undefined : meter(limits, context.warn),
    warn: context.warn,
  });

export interface AuditProgress {
  readonly doing: 'making keys' | 'listing' | 'tagging' | 'reading' | 'proving';
  /** Bytes, and how many there will be, 0 if nobody knows. */
  readonly bytes: number;
  readonly ofBytes: number;
}

/** Who can open nothing that is closed. */
export const CLOSED: Unlock = {
  passphrase: async () => fail('bad-key', 'The key needs a passphrase'),
  identities: async () => [],
};

/** An audit whose state is open in an enclave. */
export interface OpenAudit {
  readonly directory: StateDirectory;
  readonly link: EnclaveLink;
  readonly facts: StateFacts;
  /** It was made just now. */
  readonly fresh: boolean;
  /** What the machine says of itself, where its key lives in its TPM. */
  readonly quote: Home['quote'];
  /** Seals and keeps what has changed. */
  commit(): Promise<StateFacts>;
  /** The answer to a question that a job may have in between; true if it was one. */
  serve(answer: Answer): Promise<boolean>;
}

export interface NewAudit {
  readonly store: string;
  /** Who is asked for proofs, or empty. */
  readonly prover: string;
  readonly scheme: string;
  readonly blockBytes: number;
  readonly period: number;
  readonly keyHome: KeyHome;
  /** The second store that is to keep the counter, or empty. */
  readonly counterAt: string;
}

/**
 * Opens an audit's state in an enclave of its own, which ends with `work`; nobody else works on it meanwhile.
 * @param fresh what to begin with where there is no state
 * @throws AuditError
 */
export async function withAudit<T>(
  context: AuditContext,
  name: string,
  fresh: NewAudit | undefined,
  work: (audit: OpenAudit) => Promise<T>,
): Promise<T> {
  const { measureEnclave, signal, progress, warn, unlock = CLOSED } = context;
  const waiting = (owner: number | undefined): void =>
    warn?.(`Another process (${owner ?? 'it does not say which'}) works on this audit; waiting for it`);
  return withStateDirectory(name, signal, waiting, async (directory) => {
    const head = await directory.head();
    if (head === undefined && fresh === undefined) fail('no-audit', `There is no audit "${name}"`);
    const measurement = await measureEnclave();
    const measured = measurementDigest(measurement);
    const { keyHome = { kind: 'file' }, counterAt: wanted = '', ...wish } = fresh ?? {};
    const known = await openHome(name, unlock, measured);
    if (known === undefined && head !== undefined) fail('bad-key', `The key of "${name}" is not there`);
    const home = known ?? (await makeHome(name, keyHome, wanted, unlock, measured));
    const { root, key, counter: counterHome } = home;
    const { at: counterAt } = counterHome;
    const { counter, mark } = await counterHome.read();
    if (head === undefined && isBegun({ counter, mark }))
      fail('rolled-back', `The state of "${name}" is gone from "${directory.path}"`);
    return withEnclave(context, measurement, async (link) => {
      const { facts, serve } = keepingIn(directory, counterHome, link);
      const commit = async (): Promise<StateFacts> => {
        await link.run({ kind: 'commit' }, async (answer) => void (await serve(answer)));
        return facts();
      };
      if (head === undefined) {
        progress?.({ doing: 'making keys', bytes: 0, ofBytes: 0 });
        const rest = wish as Omit<NewAudit, 'keyHome' | 'counterAt'>;
        const create = { kind: 'create', key, root, counterAt, ...rest } as const;
        await link.run(create, async (answer) => void (await serve(answer)));
        const { publicKey } = await commit();
        await directory.writeFingerprint(createHash('sha256').update(publicKey).digest('hex'));
      } else {
        await forgetOffer(name);
        const open = { kind: 'open', key, counter, counterAt, mark, head } as const;
        await link.run(open, async (answer) => void (await serve(answer)));
      }
      const audit: OpenAudit = {
        ...{
          directory: tagsBeside(directory, facts()),
          link,
          commit,
          serve,
          fresh: head === undefined,
          quote: home.quote,
        },
        get facts() {
          return facts();
        },
      };
      return await work(audit);
    }).finally(() => counterHome.close());
  });
}

/** Keeps what an enclave seals of its state, and gives it back. */
export interface Keeping {
  /** The answer to a question that a job may have in between; true if it was one. */
  serve(answer: Answer): Promise<boolean>;
  /** What the enclave said last of its state. */
  facts(): StateFacts;
}

export function keepingIn(directory: StateDirectory, counterHome: CounterHome, link: EnclaveLink): Keeping {
  let facts: StateFacts | undefined;
  return {
    facts: () => facts!,
    async serve(answer) {
      switch (answer.kind) {
        case 'state': {
          const { kind: _, ...state } = answer;
          facts = state;
          return true;
        }
        case 'page.want': {
          const bytes = await directory.page(answer.id);
          await link.send(bytes === undefined ? { kind: 'page.lost' } : { kind: 'page', bytes });
          return true;
        }
        case 'page':
          await directory.writePage(answer.id, answer.bytes);
          return true;
        case 'public':
          // Before the head: what is committed has it.
          await directory.writePublicKey(answer.bytes);
          return true;
        case 'head':
          await directory.writeHead(answer.bytes);
          await link.send({ kind: 'kept' });
          return true;
        case 'mark':
          await counterHome.advance(answer.counter, answer.bytes);
          await link.send({ kind: 'kept' });
          return true;
        default:
          return false;
      }
    },
  };
}

/** An enclave of its own for `work`, with which it ends, and which has been told what it is. @throws AuditError `aborted` */
export async function withEnclave<T>(
  { startEnclave, signal }: AuditContext,
  measurement: EnclaveMeasurement,
  work: (link: EnclaveLink) => Promise<T>,
): Promise<T> {
  const link = linkTo(await startEnclave());
  const interrupt = (): void => void link.end();
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    await link.run({ kind: 'measured', ...measurement });
    return await work(link);
  } catch (error) {
    if (signal?.aborted === true) fail('aborted', 'Interrupted', error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
    await link.end();
  }
}
