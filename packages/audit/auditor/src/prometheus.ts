import { detection } from '@cloister/evidence';
import type { AuditStatus } from './status.ts';

/** What a text file says of each audit (Prometheus exposition format 0.0.4; for node_exporter's textfile collector). */
export function prometheusText(
  audits: readonly (AuditStatus & { readonly verdict: string; readonly sampled: number })[],
): string {
  const metrics: readonly (readonly [name: string, help: string, value: (audit: (typeof audits)[number]) => number])[] =
    [
      ['last_audit_timestamp_seconds', 'When it was audited last, 0 for never.', ({ lastAudit }) => lastAudit / 1000],
      ['intact', '1 if the last audit found nothing wrong.', ({ verdict }) => (verdict === 'intact' ? 1 : 0)],
      ['findings', 'What the last audit found wrong.', ({ lastFindings }) => lastFindings],
      ['bytes', 'Bytes that are audited.', ({ bytes }) => bytes],
      ['objects', 'Objects that are audited.', ({ objects }) => objects],
      [
        'period_covered_ratio',
        'Share of the blocks of this period that was read.',
        ({ periodDone, periodBlocks }) => (periodBlocks === 0 ? 0 : periodDone / periodBlocks),
      ],
      [
        'detection_ratio',
        'Probability that the random blocks of an audit meet a loss of 1 % of the blocks.',
        ({ blocks, sampled }) => detection(blocks, Math.max(1, Math.ceil(blocks / 100)), sampled),
      ],
    ];
  return metrics
    .flatMap(([name, help, value]) => [
      `# HELP cloister_audit_${name} ${help}`,
      `# TYPE cloister_audit_${name} gauge`,
      ...audits.map((audit) => `cloister_audit_${name}{audit="${audit.name}"} ${value(audit)}`),
    ])
    .join('\n')
    .concat('\n');
}
