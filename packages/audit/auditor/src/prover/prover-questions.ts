import type { StateFacts } from '@cloister/protocol';
import type { AuditContext } from '../open-audit.ts';
import type { Questions } from '../questions.ts';
import { type Limits, meter } from '../stores/meter.ts';
import { StoreLoss } from '../stores/store.ts';
import { proverClient } from './prover-client.ts';
import { tagSetOf } from './tags-beside.ts';

/** A prover beside the data answers: nothing of the store is read or listed here. */
export function proverQuestions(
  { proverTimes, warn }: AuditContext,
  facts: StateFacts,
  limits: Limits | undefined,
): Questions {
  const metered = limits === undefined ? undefined : meter(limits, warn);
  const client = proverClient(facts.prover, tagSetOf(facts), proverTimes, metered);
  return {
    doing: 'proving',
    absent: async () => [],
    async answer(question) {
      if (question.kind !== 'challenge') throw new StoreLoss('unknown', 'A prover gives no blocks');
      return { kind: 'proof', ask: question.ask, bytes: await client.prove(question.body) };
    },
    close: async () => client.close(),
  };
}
