import { mkdirSync, writeFileSync } from 'node:fs';
import { commitHere } from './commit-here.ts';
import { attacks } from './full/attacks.ts';
import { auditCpu } from './full/audit-cpu.ts';
import { auditFlips } from './full/audit-flips.ts';
import { auditKill } from './full/audit-kill.ts';
import { auditStores } from './full/audit-stores.ts';
import { debianGuest } from './full/debian-guest.ts';
import { fuzz } from './full/fuzz.ts';
import { fuzzHypelet } from './full/fuzz-hypelet.ts';
import { gateFuzz } from './full/gate-fuzz.ts';
import { kill } from './full/kill.ts';
import { pdp } from './full/pdp.ts';
import { pdpGib } from './full/pdp-gib.ts';
import { powerCut } from './full/power-cut.ts';
import { protection } from './full/protection.ts';
import { systemCalls } from './full/system-calls.ts';

/** A long check: its result, as JSON, and whether the promise holds. */
export type FullCheck = (options: { readonly quick: boolean }) => Promise<{ holds: boolean; [key: string]: unknown }>;

const CHECKS: Readonly<Record<string, FullCheck>> = {
  attacks,
  'audit-flips': auditFlips,
  'audit-cpu': auditCpu,
  'audit-kill': auditKill,
  'audit-stores': auditStores,
  'debian-guest': debianGuest,
  fuzz,
  'fuzz-hypelet': fuzzHypelet,
  'gate-fuzz': gateFuzz,
  'system-calls': systemCalls,
  kill,
  pdp,
  'pdp-gib': pdpGib,
  'power-cut': powerCut,
  protection,
};

/** `npm run full -- NAME [--quick]`: runs a check and, in its full form, writes bench/results/NAME.json. */
async function main(args: readonly string[]): Promise<number> {
  const name = args.find((word) => !word.startsWith('--')) ?? '';
  const check = CHECKS[name];
  if (check === undefined) {
    console.error(`full: There is no check "${name}". Known: ${Object.keys(CHECKS).join(', ')}`);
    return 2;
  }
  const quick = args.includes('--quick');
  const start = performance.now();
  const result = await check({ quick });
  const record = {
    schema: 1,
    name,
    quick,
    date: new Date().toISOString(),
    commit: commitHere(),
    node: process.version,
    seconds: Math.round((performance.now() - start) / 100) / 10,
    ...result,
  };
  console.log(JSON.stringify(record, null, 2));
  if (!quick) {
    mkdirSync('bench/results', { recursive: true });
    writeFileSync(`bench/results/${name}.json`, `${JSON.stringify(record, null, 2)}\n`);
  }
  return result.holds ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`full: ${(error as Error).message}`);
  process.exitCode = 2;
}
