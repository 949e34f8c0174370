import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openManifest } from '../packages/host/launcher/src/manifest.ts';
import { closeInherited } from '../packages/host/launcher/src/privileged/close-inherited.ts';
import { type CompartmentKind, filterName, isJitless } from '../packages/host/launcher/src/sandbox/compartment-kind.ts';
import { failureOf } from '../packages/host/launcher/src/sandbox/level.ts';
import { thisNode } from '../packages/host/launcher/src/sandbox/node-runtime.ts';
import type { Level } from '../packages/host/launcher/src/sandbox/sandbox.ts';
import { type Attack, type AttackResult, tried } from './attack.ts';
import { ROOT } from './build.ts';
import { HOSTILE_PARTS, QUICK_PARTS } from './hostile-parts.ts';
import { compareLevels, openAt } from './probes/levels.ts';
import { probes } from './probes/probes.ts';
import { systemCallsOutside } from './system-calls.ts';
import { advisories } from './xen/advisories.ts';
import { advisoryLine } from './xen/page.ts';

const USAGE = `Usage:
  npm run attacks [-- [--json] [--quick] [--of probes|parts] [--only PATTERN] [--levels full,landlock,permission,none] [--setpriv FILE] [--write-levels FILE]]
  npm run attacks -- system-calls KIND STRACE-LOG [--jitless]
  npm run attacks -- xen NUMBER`;

/** How many run at once: most of a probe is waiting for its process; an attack on a bench keeps this one. */
const AT_ONCE = { probes: 6, parts: 3 };
type Of = keyof typeof AT_ONCE;

const dist = dirname(fileURLToPath(import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  if (args[0] === 'system-calls') return listSystemCalls(args.slice(1));
  if (args[0] === 'xen') return printAdvisory(args[1]);
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  // As the launcher does: what this process was left with is no compartment's.
  closeInherited();
  const setpriv = option('--setpriv');
  const of = option('--of') as Of | undefined;
  if (of !== undefined && !(of in AT_ONCE)) throw new Error(`There are probes and parts, no "${of}"`);
  const { attacks, levels } = await everyAttack(option('--levels')?.split(',') as Level[] | undefined, {
    ...{ of, setpriv, quick: args.includes('--quick') },
  });
  const only = new RegExp(option('--only') ?? '');
  const results: AttackResult[] = [];
  await inParallel(
    AT_ONCE[of ?? 'parts'],
    attacks.filter(({ attack }) => only.test(attack)),
    async (attack) => {
      const result = await tried(attack).catch((error: Error): AttackResult => failed(attack, error));
      results.push(result);
      console.log(args.includes('--json') ? JSON.stringify(result) : line(result));
    },
  );
  const file = option('--write-levels');
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(openAt(results), null, 2)}\n`);
  const wrong = [...results.filter(isWrong).map((result) => line(result)), ...compareLevels(results, levels)];
  for (const one of wrong) console.error(`attacks: ${one}`);
  console.error(summary(results, wrong.length));
  return wrong.length === 0 && results.length > 0 ? 0 : 1;
}

/** Every attack that there is, or what is quick of them. The levels are those that this machine can run, unless they are named. */
async function everyAttack(
  named: readonly Level[] | undefined,
  { of, quick, setpriv }: { of: Of | undefined; quick: boolean; setpriv: string | undefined },
): Promise<{ attacks: Attack[]; levels: readonly Level[] }> {
  const node = thisNode();
  const verified = openManifest(dist);
  const filterOf = (kind: CompartmentKind, { landlock }: { readonly landlock: boolean }) =>
    verified(filterName(kind, node.architecture, { jitless: isJitless(kind, node.major), landlock }));
  const levels: Level[] = [];
  for (const level of named ?? (['full', 'landlock', 'permission', 'none'] as const)) {
    const why = await failureOf(level, node, filterOf, setpriv);
    if (why === undefined) levels.push(level);
    else console.error(`attacks: the level "${level}" cannot run here: ${why}`);
  }
  const files = [verified('probe.cjs')];
  return {
    attacks: [
      ...(of === 'probes' ? [] : quick ? QUICK_PARTS : HOSTILE_PARTS),
      ...(of === 'parts'
        ? []
        : probes(levels, { node, files, filterOf, ...(setpriv === undefined ? {} : { setpriv }) }, { quick })),
    ],
    levels,
  };
}

async function inParallel<T>(atOnce: number, items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** At a lower level an attack may have its effect; which, the table of levels says. */
const isWrong = ({ contained, control, level = 'full' }: AttackResult): boolean =>
  control === false || (contained === false && level === 'full');

const failed = ({ attack, from, target, source, level }: Attack, error: Error): AttackResult => ({
  ...{ attack, from, target, contained: false, control: false, source },
  ...(level === undefined ? {} : { level }),
  how: error.message,
});

function line({ attack, from, level, contained, control, how }: AttackResult): string {
  const verdict = contained === null ? '-' : contained ? 'contained' : 'OPEN';
  return `${attack} from ${from}${level === undefined ? '' : ` at ${level}`}: ${verdict} (${how})${control === false ? ', CONTROL FAILED' : ''}`;
}

function summary(results: readonly AttackResult[], wrong: number): string {
  const count = (test: (result: AttackResult) => boolean): number => results.filter(test).length;
  const ids = results.map(({ attack }) => /^[A-Z]\d?(?= )/.exec(attack)?.[0]).filter((id) => id !== undefined);
  const byId = [...new Set(ids)].sort().map((id) => `${id} ${ids.filter((one) => one === id).length}`);
  return `attacks: by the list of positions: ${byId.join(', ') || 'none'}; H2, H3 and what H1 has of snapshots and migration: later, there is nothing of it to attack yet
attacks: ${results.length} tried, ${count(({ contained }) => contained === true)} contained, ${count(
    ({ contained }) => contained === false,
  )} open, ${count(({ contained }) => contained === null)} not applicable, ${wrong} wrong`;
}

function listSystemCalls([kind, log, flag]: readonly string[]): number {
  if (kind === undefined || log === undefined) throw new Error('system-calls needs a kind and a log of strace');
  const outside = systemCallsOutside(kind, log, { jitless: flag === '--jitless' });
  for (const [name, count] of outside) console.log(`${name}: ${count}`);
  console.log(`${outside.size} system calls outside the list of "${kind}"`);
  return outside.size === 0 ? 0 : 1;
}

function printAdvisory(number: string | undefined): number {
  const table = readFileSync(join(ROOT, 'attacks', 'xen', 'advisories.tsv'), 'utf8');
  const found = advisories(table).find((advisory) => String(advisory.number) === number);
  if (found === undefined) throw new Error(`There is no advisory "${number ?? ''}"`);
  console.log(advisoryLine(found));
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`attacks: ${(error as Error).message}`);
  process.exitCode = 2;
}
