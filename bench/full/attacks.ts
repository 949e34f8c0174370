import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { AttackResult } from '../../attacks/attack.ts';
import type { FullCheck } from '../full.ts';

/** Every attack, each with its control: all contained at the full level, every control succeeds. */
export const attacks: FullCheck = async ({ quick }) => {
  const main = fileURLToPath(new URL('attacks.js', import.meta.url));
  const child = spawn(process.execPath, [main, '--json', ...(quick ? ['--quick'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const results: AttackResult[] = [];
  for await (const line of createInterface({ input: child.stdout })) results.push(JSON.parse(line) as AttackResult);
  const holds = (await ended) === 0;
  const atFull = results.filter(({ level = 'full' }) => level === 'full');
  const count = (test: (result: AttackResult) => boolean): number => atFull.filter(test).length;
  return {
    holds,
    attacks: results.length,
    atFull: atFull.length,
    contained: count(({ contained }) => contained === true),
    controls: count(({ control }) => control === true),
    notApplicable: count(({ contained }) => contained === null),
    // What the probes say by compartment and level is in attacks/probes; `how` has names of this run.
    results: atFull
      .filter(({ check }) => check !== undefined)
      .map(({ how: _, ...result }) => result)
      .sort((a, b) => a.attack.localeCompare(b.attack)),
  };
};
