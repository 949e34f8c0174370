import { AUDIT_PROOF_BYTES_MAX, CHALLENGE_TYPE, type Loss, PROVER_PATHS } from '@cloister/protocol';
import { fail } from '../audit-error.ts';
import { httpClient } from '../stores/http-client.ts';
import { unmetered } from '../stores/meter.ts';
import { StoreLoss } from '../stores/store.ts';

export interface ProverTimes {
  /** Milliseconds that an answer may take: more than a prover takes for one at most. */
  readonly deadlineMs: number;
  /** What is passing is tried again after so long, twice as long and so on, each with up to as much again by chance. */
  readonly backoffMs: number;
}

const TIMES: ProverTimes = { deadlineMs: 180_000, backoffMs: 200 };
const ATTEMPTS = 4;
const CONNECTIONS = 4;

/** A prover, which may be anybody's. */
export interface ProverClient {
  /**
   * What it answers to a question of the enclave; no bytes where that can be no proof.
   * @throws StoreLoss where it does not answer
   */
  prove(body: Uint8Array): Promise<Uint8Array>;
  close(): void;
}

/** A prover's address as this package keeps it. @throws AuditError `bad-prover` */
export function proverOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    return fail('bad-prover', `"${text}" is no prover's address`);
  if (url.username !== '' || url.password !== '')
    return fail('bad-prover', 'A password in an address would stand in every receipt');
  return url.href.replace(/\/$/, '');
}

export function proverClient(
  prover: string,
  set: string,
  { deadlineMs, backoffMs }: ProverTimes = TIMES,
  meter = unmetered,
): ProverClient {
  const url = new URL(`${prover}${PROVER_PATHS.extent}${set}`);
  const client = httpClient({
    ...{ meter, deadlineMs, backoffMs, silenceMs: deadlineMs, attempts: ATTEMPTS, connections: CONNECTIONS },
    // Who lets one wait so long once is not waited for again and again.
    asksAfterSilence: false,
    passing(status) {
      const said = meaningOf(status);
      return said === 'throttled' || said === 'unreachable' ? said : undefined;
    },
  });
  return {
    async prove(body) {
      const reply = await client.send(() => ({
        ...{ method: 'POST', origin: url, path: url.pathname, headers: { 'content-type': CHALLENGE_TYPE }, body },
        // How long a proof is, the enclave alone knows. Too long for one: the rest need not come.
        ...{ bytes: body.length + AUDIT_PROOF_BYTES_MAX, isAtMost: true, bodyMax: AUDIT_PROOF_BYTES_MAX },
        whenLonger: 'empty',
      }));
      const said = meaningOf(reply.status);
      if (said === 'proof') return reply.body;
      if (said === 'none') return new Uint8Array(0);
      throw new StoreLoss(said, `"${url.host}" answers with status ${reply.status}`);
    },
    close: () => client.close(),
  };
}

/** `none`: it does not answer with a proof, and says so. */
function meaningOf(status: number): 'proof' | 'none' | Loss {
  switch (status) {
    case 200:
      return 'proof';
    case 400:
    case 500:
      return 'none';
    case 404:
      return 'missing';
    case 429:
    case 503:
      return 'throttled';
    default:
      return status > 500 ? 'unreachable' : 'unknown';
  }
}
