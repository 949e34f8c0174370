import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditContext, addStore, auditReceipts, runAudit } from '@cloister/auditor';
import { enclaveHere, measuredHere } from '../../packages/audit/auditor/src/testing/enclave-here.ts';
import { laboratory, noise } from '../../packages/audit/auditor/src/testing/laboratory.ts';
import { randomFrom } from '../../packages/protocol/src/testing/mutate.ts';
import type { FullCheck } from '../full.ts';

const FLIPS = 20_000;
const QUICK_FLIPS = 400;
const FILES = 60;
const BLOCK = 4096;
const NAME = 'flipped';

/**
 * One bit of what is kept of an audit is flipped, again and again: the state does not open, or blocks do not verify, or a
 * receipt does not; never is anything called intact that was not looked at, and nothing is lost for good.
 */
export const auditFlips: FullCheck = async ({ quick }) => {
  const seed = Number(process.env.CLOISTER_SEED ?? Date.now() % 1e9);
  const random = randomFrom(seed);
  const lab = laboratory();
  const context: AuditContext = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
  const seen: Record<string, number> = {};
  const faults: string[] = [];
  try {
    for (let file = 0; file < FILES; file += 1) lab.write(`file-${file}`, noise(random(3 * BLOCK), file + 1));
    await addStore(context, lab.store, { name: NAME, blockBytes: BLOCK });
    for (let run = 0; run < 3; run += 1) await runAudit(context, NAME);
    const before = lab.kept();
    // The counter's file and the noted fingerprint are the owner's own word, which nothing stands above.
    const places = [...before].flatMap(([path, bytes]) =>
      /\.(counter|fingerprint)$/.test(path) ? [] : Array.from(bytes, (_, at) => ({ path, at })),
    );
    const flips = Math.min(quick ? QUICK_FLIPS : FLIPS, places.length * 8);
    for (let flip = 0; flip < flips && faults.length < 10; flip += 1) {
      // Every byte once, then again with other bits.
      const { path, at } = places[quick ? random(places.length) : flip % places.length]!;
      const file = join(lab.home, path);
      const bent = readFileSync(file);
      bent[at]! ^= 1 << random(8);
      writeFileSync(file, bent);
      const outcome = path.includes('/receipts/') ? await receiptsOutcome() : await auditOutcome(context);
      if (outcome === 'intact') faults.push(`${path}, byte ${at}: called intact`);
      seen[outcome] = (seen[outcome] ?? 0) + 1;
      lab.restore(before);
    }
    // What was put back is as it was.
    const last = await auditOutcome(context);
    if (last !== 'intact') faults.push(`in the end: ${last}`);
    return { holds: faults.length === 0, seed, bytes: places.length, flips, outcomes: seen, faults };
  } finally {
    lab.close();
  }
};

const auditOutcome = (context: AuditContext): Promise<string> =>
  runAudit(context, NAME, { all: true }).then(
    ({ wrong }) => (wrong.length === 0 ? 'intact' : 'blocks do not verify'),
    (error: { readonly code?: string }) => error.code ?? String(error),
  );

async function receiptsOutcome(): Promise<string> {
  const receipts = await auditReceipts(NAME);
  return receipts.every(({ verified }) => verified.ok) ? 'intact' : 'receipt does not verify';
}
