import { EXIT_REASONS, type ExitReason } from '@cloister/protocol';

/**
 * What exits cost: how many there were for each reason (`gate`: those that the machine answered itself), and how many
 * HypeLet calls came between a hart's exit and its entry. Where the two are equal, an exit cost one round trip.
 */
export interface ExitCounts {
  readonly exits: Record<ExitReason | 'gate', number>;
  readonly calls: Record<ExitReason, number>;
}

export function createExitCounts(): ExitCounts {
  const zeros = Object.fromEntries(EXIT_REASONS.map((reason) => [reason, 0])) as Record<ExitReason, number>;
  return { exits: { ...zeros, gate: 0 }, calls: { ...zeros } };
}
