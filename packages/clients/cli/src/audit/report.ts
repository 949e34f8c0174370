import { readFile, writeFile } from 'node:fs/promises';
import { NOTICES } from '@cloister/evidence';
import { fillPage, type ReportProofs } from '@cloister/report';
import { auditProofs, auditReceipts, CloisterError, fingerprintOf, type KeptReceipt } from '@cloister/sdk';
import { count } from './amounts.ts';
import { named, print, SOMETHING_WRONG } from './opened.ts';
import { receiptLine, shownReceipt } from './verify.ts';

/** What each audit's receipts say, the newest last. */
export async function reportAudits(
  names: readonly string[],
  flags: { readonly json?: boolean; readonly html?: string },
): Promise<number> {
  const all = await Promise.all(
    (await named(names)).map(async (name) => ({ name, receipts: await auditReceipts(name) })),
  );
  if (flags.html !== undefined) await writeHtml(flags.html, all);
  const good = all.every(({ receipts }) => receipts.every(({ verified }) => verified.ok));
  if (flags.json === true) {
    const shown = all.map(({ name, receipts }) => ({
      name,
      receipts: receipts.map(({ number, verified }) => ({ number, ...shownReceipt(verified) })),
    }));
    print({ audits: shown });
    return good ? 0 : SOMETHING_WRONG;
  }
  for (const root of rootsOf(all)) process.stdout.write(`Root "${root}". ${NOTICES[root]}.\n`);
  for (const { name, receipts } of all) {
    process.stdout.write(`${name}: ${count(receipts.length, 'receipt')}\n`);
    for (const { number, verified } of receipts)
      process.stdout.write(`  ${String(number).padStart(4)}  ${receiptLine(verified)}\n`);
  }
  return good ? 0 : SOMETHING_WRONG;
}

/** One page with everything in it, which needs nothing else and asks for nothing. */
async function writeHtml(
  file: string,
  all: readonly { readonly name: string; readonly receipts: readonly KeptReceipt[] }[],
): Promise<void> {
  const audits = await Promise.all(
    all.map(async ({ name, receipts }) => ({
      name,
      fingerprint: (await fingerprintOf(name)) ?? null,
      receipts: receipts.map(({ bytes }) => base64(bytes)),
      proofs: await proofsOfLast(name, receipts),
    })),
  );
  const page = await readFile(new URL('report.html', import.meta.url), 'utf8').catch(() => {
    throw new CloisterError('bad-file', 'The page of reports is not built', { hint: 'Run npm run build' });
  });
  await writeFile(file, fillPage(page, { schema: 1, made: Date.now(), audits })).catch((error: Error) => {
    throw new CloisterError('bad-file', `Cannot write "${file}" (${error.message})`);
  });
}

/** A page with more of them is none that a browser opens gladly. */
const PROOFS_BYTES_MAX = 32 * 1024 * 1024;

async function proofsOfLast(name: string, receipts: readonly KeptReceipt[]): Promise<ReportProofs | 'too long' | null> {
  const last = receipts.at(-1);
  const kept = last && (await auditProofs(name, last.number));
  if (kept === undefined) return null;
  if (kept.list.length > PROOFS_BYTES_MAX) return 'too long';
  return { list: base64(kept.list), publicKey: base64(kept.publicKey) };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** What the receipts are rooted in. */
function rootsOf(all: readonly { readonly receipts: readonly KeptReceipt[] }[]): readonly (keyof typeof NOTICES)[] {
  const verified = all.flatMap(({ receipts }) => receipts.map((receipt) => receipt.verified));
  return [...new Set(verified.flatMap((one) => (one.ok ? [one.claims.root] : [])))].sort();
}
