import type { ToEnclave } from '@cloister/protocol';
import type { Answer } from './enclave-link.ts';
import type { AuditProgress } from './open-audit.ts';
import type { StoreLoss } from './stores/store.ts';

/** Who answers what the enclave asks in an audit. */
export interface Questions {
  readonly doing: AuditProgress['doing'];
  /** Objects that are known not to be there, without a question; or why the store could not be listed. */
  absent(): Promise<readonly string[] | StoreLoss>;
  /** @throws StoreLoss */
  answer(question: Extract<Answer, { readonly kind: 'read' | 'challenge' }>): Promise<ToEnclave>;
  close(): Promise<void>;
}
