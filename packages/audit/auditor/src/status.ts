import type { StateFacts } from '@cloister/protocol';
import { type AuditContext, withAudit } from './open-audit.ts';
import { auditNames } from './state-directory.ts';

export interface AuditStatus extends StateFacts {
  readonly name: string;
}

/** @throws AuditError */
export const auditStatus = (context: AuditContext, name: string): Promise<AuditStatus> =>
  withAudit(context, name, undefined, async ({ facts }) => ({ name, ...facts }));

/** One status each. @throws AuditError */
export async function allAudits(context: AuditContext): Promise<readonly AuditStatus[]> {
  const all: AuditStatus[] = [];
  for (const name of await auditNames()) all.push(await auditStatus(context, name));
  return all;
}
