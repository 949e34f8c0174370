import type { Level } from '../../packages/host/launcher/src/sandbox/sandbox.ts';
import type { AttackResult } from '../attack.ts';
import table from './probes.levels.json' with { type: 'json' };

/** For each level below `full` the probes that have their effect there, and from which kinds if not from all. */
type OpenProbes = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** What stays open, as the table has it: level, kind, probes. */
export function openAt(results: readonly AttackResult[]): OpenProbes {
  const open: Record<string, Record<string, string[]>> = {};
  for (const { attack, from, level, contained } of results)
    if (contained === false && level !== undefined && level !== 'full')
      ((open[level] ??= {})[from] ??= []).push(attack);
  for (const kinds of Object.values(open)) for (const names of Object.values(kinds)) names.sort();
  return open;
}

/** One line for each probe that is open and should not be, or the other way round. What was not tried is not compared. */
export function compareLevels(results: readonly AttackResult[], levels: readonly Level[]): string[] {
  const known = table as OpenProbes;
  return results.flatMap(({ attack, from, level, contained, how }) => {
    if (level === undefined || level === 'full' || contained === null || !levels.includes(level as Level)) return [];
    const open = known[level]?.[from]?.includes(attack) === true;
    if (open === !contained) return [];
    return [
      `${attack} from ${from} at ${level} is ${contained ? 'contained' : 'open'} (${how}), not as the table says`,
    ];
  });
}
