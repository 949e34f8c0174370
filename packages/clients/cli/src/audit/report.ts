import { NOTICES } from '@cloister/evidence';
import { auditReceipts } from '@cloister/sdk';
import { count } from './amounts.ts';
import { named, print, SOMETHING_WRONG } from './opened.ts';
import { receiptLine, shownReceipt } from './verify.ts';

/** What each audit's receipts say, the newest last. */
export async function reportAudits(names: readonly string[], flags: { readonly json?: boolean }): Promise<number> {
  const all = await Promise.all(
    (await named(names)).map(async (name) => ({ name, receipts: await auditReceipts(name) })),
  );
  const good = all.every(({ receipts }) => receipts.every(({ verified }) => verified.ok));
  if (flags.json === true) {
    const shown = all.map(({ name, receipts }) => ({
      name,
      receipts: receipts.map(({ number, verified }) => ({ number, ...shownReceipt(verified) })),
    }));
    print({ root: 'software', notice: NOTICES.software, audits: shown });
    return good ? 0 : SOMETHING_WRONG;
  }
  process.stdout.write(`Root "software". ${NOTICES.software}.\n`);
  for (const { name, receipts } of all) {
    process.stdout.write(`${name}: ${count(receipts.length, 'receipt')}\n`);
    for (const { number, verified } of receipts)
      process.stdout.write(`  ${String(number).padStart(4)}  ${receiptLine(verified)}\n`);
  }
  return good ? 0 : SOMETHING_WRONG;
}
