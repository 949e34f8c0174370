import { rename, writeFile } from 'node:fs/promises';
import { detection, NOTICES, verdictOf } from '@cloister/evidence';
import { LOSSES } from '@cloister/protocol';
import { type AuditResult, CloisterError, prometheusText, SAMPLE } from '@cloister/sdk';
import { count, of, plain, size } from './amounts.ts';
import { type LimitFlags, limitsOf, number } from './flags.ts';
import { named, opened, print, SOMETHING_WRONG } from './opened.ts';

export interface RunFlags extends LimitFlags {
  readonly all?: boolean;
  readonly sample?: string;
  readonly due?: string;
  readonly prometheus?: string;
  readonly json?: boolean;
}

export async function runAudits(names: readonly string[], flags: RunFlags): Promise<number> {
  const options = {
    all: flags.all,
    sample: flags.sample === undefined ? undefined : number(flags.sample, '--sample'),
    dueMax: flags.due === undefined ? undefined : number(flags.due, '--due'),
    limits: limitsOf(flags),
  };
  const results: AuditResult[] = [];
  const chosen = await named(names);
  for (const [at, name] of chosen.entries()) {
    // The last one's enclave makes one batch of all their receipts.
    const batchWith = at === chosen.length - 1 ? results : [];
    const result = await opened(name, (all) => all.run(name, { ...options, batchWith }));
    results.push(result);
    if (flags.json !== true) showResult(result, flags.all === true);
  }
  if (flags.prometheus !== undefined) await writeMetrics(flags.prometheus, results, options.sample ?? SAMPLE);
  if (flags.json === true)
    print({
      audits: results.map((result) => ({
        ...{ root: result.facts.root, notice: NOTICES[result.facts.root], verdict: verdictOf(result.wrong) },
        ...result,
      })),
    });
  return results.every((result) => verdictOf(result.wrong) === 'intact') ? 0 : SOMETHING_WRONG;
}

/** Findings that are shown; a store that is away has as many as it has blocks. */
const SHOWN_MAX = 20;

function showResult(result: AuditResult, all: boolean): void {
  const { name, blocks, ofBlocks, bytes, wrong, sampled, due } = result;
  const did = result.facts.prover === '' ? 'read' : 'asked of the prover';
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  line(`${verdictOf(result.wrong).padEnd(12)}${name}: ${of(blocks, ofBlocks)} blocks ${did} (${size(bytes)})`);
  for (const { finding, path, offset, length, blocks: bad } of wrong.slice(0, SHOWN_MAX)) {
    const where = bad === 0 ? '' : `, bytes ${offset} to ${offset + Math.max(1, length) - 1} (${count(bad, 'block')})`;
    line(`  ${finding.padEnd(12)}${path === '' ? 'the list of what the store has' : plain(path)}${where}`);
  }
  if (wrong.length > SHOWN_MAX)
    line(`  … and ${(wrong.length - SHOWN_MAX).toLocaleString('en')} more (--json names all)`);
  if (wrong.some(({ finding }) => (LOSSES as readonly string[]).includes(finding)))
    line('  What was not read, or not answered, says nothing of what lies there: no bound can be given.');
  else if (!all) {
    const found = 100 * detection(ofBlocks, Math.max(1, Math.ceil(ofBlocks / 100)), sampled);
    const share = found < 100 ? `${(Math.floor(found * 100) / 100).toFixed(2)} %` : '100 %';
    line(`  ${sampled} at random, ${due} due: a loss of 1 % of the blocks is found with ${share}`);
  }
}

/** Written whole beside its place, then renamed: a collector reads it at any time. */
async function writeMetrics(file: string, results: readonly AuditResult[], sampled: number): Promise<void> {
  const text = prometheusText(
    results.map((result) => ({ ...result.facts, name: result.name, verdict: verdictOf(result.wrong), sampled })),
  );
  try {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  } catch (error) {
    throw new CloisterError('bad-file', `Cannot write "${file}" (${(error as Error).message})`);
  }
}
