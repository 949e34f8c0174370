import { NOTICES, type Verified, verdictOf, verifyReceipt } from '@cloister/evidence';
import { auditSection, element, isWrong } from './audit-section.ts';
import { proofsOf } from './proofs.ts';
import type { ReportData } from './report-data.ts';

/** Verifies what the page holds, and shows it: nothing of a receipt is shown before. */
async function show(data: ReportData, into: HTMLElement): Promise<void> {
  const audits = data.audits.map(({ name, fingerprint, receipts: texts, proofs }) => {
    const receipts = texts.map((text): Verified => verifyReceipt(bytesOf(text), fingerprint ?? undefined));
    return { name, fingerprint, receipts, ...proofsOf(receipts.at(-1), proofs) };
  });
  const all = audits.flatMap(({ receipts }) => receipts);
  const flawed = all.filter(({ ok }) => !ok).length;
  const roots = [...new Set(all.flatMap((receipt) => (receipt.ok ? [receipt.claims.root] : [])))].sort();
  const verdicts = audits.map(({ receipts }) => {
    const last = receipts.at(-1);
    return last === undefined || !last.ok ? 'unknown' : verdictOf(last.claims.audit.found);
  });
  const wrong = verdicts.filter(isWrong).length;
  const unread = verdicts.filter((verdict) => verdict !== 'intact' && !isWrong(verdict)).length;
  const stores = (many: number): string => (audits.length === 1 ? '' : ` in ${many} of ${audits.length} stores`);
  const [tone, text] =
    flawed > 0
      ? ['bad', `${flawed} of ${all.length} receipts do not verify: do not believe this report.`]
      : wrong > 0
        ? ['bad', `Something is wrong${stores(wrong)}.`]
        : unread > 0
          ? ['warn', `What lies there could not be read, or was never audited${stores(unread)}.`]
          : ['good', audits.length === 1 ? 'What was read is intact.' : 'What was read of all stores is intact.'];
  const banner = element('p', { class: `banner ${tone}`, id: 'verdict' }, text!);
  const nameOf = (key: string): string | undefined => audits.find(({ fingerprint }) => fingerprint === key)?.name;
  into.replaceChildren(
    element('h1', {}, 'Audit report'),
    element('p', { class: 'quiet' }, `Made ${new Date(data.made).toISOString().slice(0, 16).replace('T', ' ')} UTC`),
    banner,
    ...roots.map((root) => element('p', { class: 'notice' }, `Root "${root}". ${NOTICES[root]}.`)),
    element(
      'p',
      { class: 'quiet', id: 'verified' },
      `${all.length - flawed} of ${all.length} receipts verified just now, in this browser, without a network.`,
    ),
    ...audits.map((audit) => auditSection(audit, nameOf)),
  );
  for (const { verify } of audits) {
    if (await verify()) continue;
    banner.className = 'banner bad';
    banner.textContent = 'Proofs do not verify: do not believe this report.';
  }
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}

void show(JSON.parse(document.getElementById('data')!.textContent) as ReportData, document.getElementById('report')!);
