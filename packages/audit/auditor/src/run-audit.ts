import { createHash } from 'node:crypto';
import { encodeQuote } from '@cloister/evidence';
import type { Audited, Finding, StateFacts, ToEnclave } from '@cloister/protocol';
import { type BatchedReceipt, keepBatch, type ReceiptPlace, signedBatch } from './batch.ts';
import type { EnclaveLink } from './enclave-link.ts';
import { type AuditContext, withAudit } from './open-audit.ts';
import { proverQuestions } from './prover/prover-questions.ts';
import type { Proofs } from './state-directory.ts';
import type { Limits } from './stores/meter.ts';
import { StoreLoss } from './stores/store.ts';
import { storeQuestions } from './stores/store-questions.ts';

export interface RunOptions {
  /** Every block, in the place of a sample. */
  readonly all?: boolean | undefined;
  /** Random blocks beside those that are due. */
  readonly sample?: number | undefined;
  /** The most blocks that are read because they are due. */
  readonly dueMax?: number | undefined;
  readonly limits?: Limits | undefined;
  /** Audits that ran before this one, whose receipts become one batch with its own. */
  readonly batchWith?: readonly ReceiptPlace[] | undefined;
}

export interface AuditResult extends Audited {
  readonly name: string;
  readonly store: string;
  /** What the state says now. */
  readonly facts: StateFacts;
  /** What is wrong, in the order of the answers; without a path: the listing could not be read. */
  readonly wrong: readonly Finding[];
}

/** Finds a loss of 1 % with 99 %, however much there is (Ateniese et al., CCS 2007, section 4). */
export const SAMPLE = 460;

/** Reads blocks of a store and has the enclave check them. @throws AuditError */
export async function runAudit(context: AuditContext, name: string, options: RunOptions = {}): Promise<AuditResult> {
  const { all = false, sample = SAMPLE, dueMax = Number.MAX_SAFE_INTEGER, batchWith = [] } = options;
  let batch: readonly BatchedReceipt[] = [];
  const result = await withAudit(context, name, undefined, async (audit) => {
    const { link, directory } = audit;
    const questions =
      audit.facts.prover === ''
        ? await storeQuestions(context, audit, options.limits)
        : proverQuestions(context, audit.facts, options.limits);
    const reply = gatheringFor(link);
    let proofs: Proofs | undefined;
    try {
      const wrong: Finding[] = [];
      const absent = await questions.absent();
      if (absent instanceof StoreLoss) await link.run({ kind: 'unlisted', loss: absent.loss });
      else for (const path of absent) await link.run({ kind: 'absent', path });
      let audited: Audited | undefined;
      let receipt: { readonly number: number; readonly bytes: Uint8Array } | undefined;
      await link.run({ kind: 'audit', all, sample, due: dueMax }, async (answer) => {
        if (await audit.serve(answer)) return;
        switch (answer.kind) {
          case 'read':
          case 'challenge': {
            const { ask } = answer;
            // Answers go back as they come, while more is asked for.
            void questions
              .answer(answer)
              .catch(
                (error): ToEnclave => ({
                  kind: 'lost',
                  ask,
                  loss: error instanceof StoreLoss ? error.loss : 'unknown',
                }),
              )
              .then(reply);
            return;
          }
          case 'finding': {
            const { kind: _, ...finding } = answer;
            wrong.push(finding);
            return;
          }
          case 'progress':
            context.progress?.({
              doing: questions.doing,
              bytes: answer.bytes,
              ofBytes: answer.blocks === 0 ? 0 : (answer.bytes / answer.blocks) * answer.of,
            });
            return;
          case 'proven':
            proofs ??= await directory.newProofs();
            await proofs.append(answer.bytes);
            return;
          case 'receipt':
            await proofs?.keep(answer.number);
            // Before the head that counts it: an audit that was interrupted here is done again under its number.
            await directory.writeReceipt(answer.number, answer.bytes);
            receipt = answer;
            return;
          case 'audited': {
            const { kind: _, ...rest } = answer;
            audited = rest;
          }
        }
      });
      const facts = await audit.commit();
      if (audit.quote !== undefined && receipt !== undefined) {
        const nonce = createHash('sha256').update(receipt.bytes).digest();
        await directory.writeQuote(receipt.number, encodeQuote(await audit.quote(nonce)));
      }
      batch = await signedBatch(link, [...batchWith, { name, number: audited!.number }]);
      return { name, store: facts.store, facts, wrong, ...audited! };
    } finally {
      await questions.close();
      await proofs?.close();
    }
  });
  await keepBatch(context, batch);
  return result;
}

/** Sends the replies of one turn of the event loop together: one system call for them, and one turn of the enclave's. */
function gatheringFor(link: EnclaveLink): (reply: ToEnclave) => void {
  let gathered: ToEnclave[] = [];
  return (reply) => {
    if (gathered.push(reply) > 1) return;
    setImmediate(() => {
      const replies = gathered;
      gathered = [];
      // Where the enclave has ended, whoever waits for its answers hears of it.
      for (const each of replies) link.send(each).catch(() => undefined);
    });
  };
}
