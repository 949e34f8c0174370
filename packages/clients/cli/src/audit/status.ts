import { NOTICES } from '@cloister/evidence';
import { type AuditStatus, auditNames, offerNames, parseDuration } from '@cloister/sdk';
import { count, plain, size } from './amounts.ts';
import { named, opened, print, SOMETHING_WRONG } from './opened.ts';

export async function showStatus(
  names: readonly string[],
  flags: { readonly maxAge: string; readonly json?: boolean },
): Promise<number> {
  const maxAge = parseDuration(flags.maxAge);
  const all: (AuditStatus & { verdict: string })[] = [];
  for (const name of await named(names)) {
    const status = await opened(name, (each) => each.status(name));
    const age = Date.now() - (status.lastAudit === 0 ? status.created : status.lastAudit);
    const verdict =
      age > maxAge ? 'overdue' : status.lastAudit === 0 ? 'unknown' : status.lastFindings > 0 ? 'findings' : 'intact';
    all.push({ ...status, verdict });
  }
  if (flags.json === true) print({ audits: all.map((status) => ({ notice: NOTICES[status.root], ...status })) });
  else
    for (const status of all) {
      const { name, verdict, lastAudit, bytes, periodDone, periodBlocks, periodStart, period } = status;
      const last = lastAudit === 0 ? 'never audited' : `audited ${new Date(lastAudit).toISOString().slice(0, 16)}Z`;
      const covered = periodBlocks === 0 ? 0 : (100 * periodDone) / periodBlocks;
      const until = new Date(periodStart + period).toISOString().slice(0, 10);
      process.stdout.write(
        `${verdict.padEnd(10)}${name}: ${last}, ${size(bytes)}, ${covered.toFixed(0)} % of this period (until ${until}) read, baseline ${baselinesOf(status)}\n`,
      );
    }
  return all.every(({ verdict }) => verdict === 'intact') ? 0 : SOMETHING_WRONG;
}

/** What the tags were made from, each with how many files. */
function baselinesOf({ objects, sourceObjects, contentHashObjects }: AuditStatus): string {
  const parts = { store: objects - sourceObjects - contentHashObjects, source: sourceObjects };
  const all = Object.entries({ ...parts, 'content-hash': contentHashObjects }).filter(([, many]) => many > 0);
  return all.map(([baseline, many]) => (all.length === 1 ? baseline : `${baseline} (${many})`)).join(', ') || 'none';
}

export async function listAudits(flags: { readonly quiet?: boolean; readonly json?: boolean }): Promise<number> {
  if (flags.quiet === true) {
    for (const name of await auditNames()) process.stdout.write(`${name}\n`);
    return 0;
  }
  const all = await opened('audits', (each) => each.list());
  const offers = (await offerNames()).filter((offer) => all.every(({ name }) => name !== offer));
  if (flags.json === true) print({ audits: all, offers });
  else {
    for (const { name, store, objects, bytes } of all)
      process.stdout.write(`${name}: ${plain(store)}, ${count(objects, 'file')}, ${size(bytes)}\n`);
    for (const name of offers) process.stdout.write(`${name}: an offer, which waits for what its owner hands over\n`);
  }
  return 0;
}

export async function removeAudits(names: readonly string[]): Promise<number> {
  for (const name of await named(names, { others: await offerNames() })) await opened(name, (all) => all.remove(name));
  return 0;
}
