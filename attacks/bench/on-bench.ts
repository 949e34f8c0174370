import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Attack, Outcome } from '../attack.ts';
import { bundle, type Edit, newFolder } from '../build.ts';

export type Kit = typeof import('./kit.ts');

export interface BenchAttack extends Pick<Attack, 'attack' | 'from' | 'target' | 'source'> {
  /** The check that the control goes without, in words and in the source. */
  readonly check: string;
  readonly edits: readonly Edit[];
  /** The attacker, and the oracle. */
  act(kit: Kit): Outcome | Promise<Outcome>;
}

const kits = new Map<string, Promise<Kit>>();

function kitWithout(edits: readonly Edit[]): Promise<Kit> {
  const key = JSON.stringify(edits);
  const found = kits.get(key);
  if (found !== undefined) return found;
  const made = (async () => {
    const folder = newFolder();
    await bundle({ 'kit.mjs': 'attacks/bench/kit.ts' }, folder, edits);
    return (await import(pathToFileURL(join(folder, 'kit.mjs')).href)) as Kit;
  })();
  kits.set(key, made);
  return made;
}

/** An attack that speaks bytes to the very source of the part it attacks; its control to the source without the check. */
export const onBench = ({ act, ...named }: BenchAttack): Attack => ({
  ...named,
  run: async () => act(await kitWithout([])),
  control: async () => act(await kitWithout(named.edits)),
});

type Common = Pick<BenchAttack, 'from' | 'target' | 'source'>;

/** A table of them, with what they have in common unless one says otherwise. */
export const benchAttacks = (
  common: Common,
  variants: readonly (Omit<BenchAttack, keyof Common> & Partial<Common>)[],
): readonly Attack[] => variants.map((variant) => onBench({ ...common, ...variant }));
