import type { FindingKind } from '@cloister/protocol';

/** From the gravest on; `unsteady` blocks were right in the end. */
const GRAVEST: readonly FindingKind[] = [
  'corrupt',
  'not-proven',
  'missing',
  'stale',
  'archived',
  'unreachable',
  'timed-out',
  'throttled',
  'unknown',
];

/** The gravest of what was found. */
export const verdictOf = (findings: readonly { readonly finding: FindingKind }[]): FindingKind | 'intact' =>
  GRAVEST.find((kind) => findings.some(({ finding }) => finding === kind)) ?? 'intact';
