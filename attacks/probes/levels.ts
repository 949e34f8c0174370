import type { Level } from '../../packages/host/launcher/src/sandbox/sandbox.ts';
import type { AttackResult } from '../attack.ts';
import table from './probes.levels.json' with { type: 'json' };

/** For each level below `full` the probes that have their effect there: from `every` kind that they apply to, or one. */
type OpenProbes = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const EVERY = 'every';

/** Open where root has CAP_SYS_RESOURCE, and not every container's root has. */
const HOST_DECIDES = new Set(['raise-limit']);

/** What stays open, as the table has it. */
export function openAt(results: readonly AttackResult[]): OpenProbes {
  const table: Record<string, Record<string, string[]>> = {};
  for (const { attack, from, level, contained } of results) {
    if (contained !== false || level === undefined || level === 'full' || HOST_DECIDES.has(attack)) continue;
    const everywhere = results.every(
      (other) => other.attack !== attack || other.level !== level || other.contained !== true,
    );
    const names = ((table[level] ??= {})[everywhere ? EVERY : from] ??= []);
    if (!names.includes(attack)) names.push(attack);
  }
  for (const kinds of Object.values(table)) for (const names of Object.values(kinds)) names.sort();
  return table;
}

/** One line for each probe that is open and should not be, or the other way round. What was not tried is not compared. */
export function compareLevels(results: readonly AttackResult[], levels: readonly Level[]): string[] {
  const known = table as OpenProbes;
  return results.flatMap(({ attack, from, level, contained, how }) => {
    if (
      level === undefined ||
      level === 'full' ||
      contained === null ||
      HOST_DECIDES.has(attack) ||
      !levels.includes(level as Level)
    )
      return [];
    const open = [EVERY, from].some((kind) => known[level]?.[kind]?.includes(attack) === true);
    if (open === !contained) return [];
    return [
      `${attack} from ${from} at ${level} is ${contained ? 'contained' : 'open'} (${how}), not as the table says`,
    ];
  });
}
