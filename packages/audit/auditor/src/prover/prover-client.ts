import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { AUDIT_PROOF_BYTES_MAX, CHALLENGE_TYPE, type Loss, PROVER_PATHS } from '@cloister/protocol';
import { fail } from '../audit-error.ts';
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

export function proverClient(prover: string, set: string, times: ProverTimes = TIMES): ProverClient {
  const url = new URL(`${prover}${PROVER_PATHS.extent}${set}`);
  const secure = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: CONNECTIONS };
  const agent = secure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);

  function once(body: Uint8Array): Promise<{ readonly status: number; readonly body: Uint8Array }> {
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(url, {
        ...{ method: 'POST', agent },
        headers: { 'content-type': CHALLENGE_TYPE, 'content-length': body.length },
      });
      const late = (): void => void request.destroy(new StoreLoss('timed-out', `"${url.host}" does not answer`));
      const deadline = setTimeout(late, times.deadlineMs);
      request.on('error', (error) => reject(lossOf(error)));
      request.on('close', () => {
        clearTimeout(deadline);
        reject(new StoreLoss('unreachable', `"${url.host}" broke off`));
      });
      request.on('response', (response: IncomingMessage) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          length += part.length;
          parts.push(part);
          if (length <= AUDIT_PROOF_BYTES_MAX) return;
          // Too long for a proof: the rest need not come.
          resolve({ status: response.statusCode ?? 0, body: new Uint8Array(0) });
          response.destroy();
        });
        response.on('error', (error) => reject(lossOf(error)));
        response.on('end', () => {
          if (response.complete) resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) });
        });
      });
      request.end(body);
    });
  }

  return {
    async prove(body) {
      for (let attempt = 1; ; attempt += 1) {
        let loss: StoreLoss;
        try {
          const reply = await once(body);
          const said = meaningOf(reply.status);
          if (said === 'proof') return reply.body;
          if (said === 'none') return new Uint8Array(0);
          loss = new StoreLoss(said, `"${url.host}" answers with status ${reply.status}`);
          if (said !== 'throttled' && said !== 'unreachable') throw loss;
        } catch (error) {
          // Who lets one wait so long once is not waited for again and again.
          if (!(error instanceof StoreLoss) || !['throttled', 'unreachable'].includes(error.loss)) throw error;
          loss = error;
        }
        if (attempt === ATTEMPTS) throw loss;
        await sleep(times.backoffMs * 2 ** (attempt - 1) * (1 + Math.random()));
      }
    },
    close: () => agent.destroy(),
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

function lossOf(error: Error): StoreLoss {
  if (error instanceof StoreLoss) return error;
  const code = (error as { code?: string }).code ?? '';
  return new StoreLoss(code === 'ETIMEDOUT' ? 'timed-out' : 'unreachable', error.message || code);
}
