import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from '../attack.ts';
import { launcher } from '../bench/sources.ts';
import { inProcesses, withVictim } from '../processes/in-processes.ts';

const CHANGES: Readonly<Record<string, (folder: string) => void>> = {
  machine: (folder) => appendFileSync(join(folder, 'machine.cjs'), '\n// Changed.\n'),
  slice: (folder) => appendFileSync(join(folder, 'slice.cjs'), '\n// Changed.\n'),
  hart: (folder) => appendFileSync(join(folder, 'hart.cjs'), '\n// Changed.\n'),
};

const changed = (bundle: string): Attack =>
  inProcesses({
    attack: `B1 the code of the ${bundle} is not what the manifest says`,
    from: 'host',
    target: 'a VM',
    source: 'issue 5 §1, §5 (code hashes at each start)',
    check: 'code has the hash of its manifest',
    edits: [[launcher('manifest.ts'), 'if (code.hash !== files[name])', 'if (false)']],
    tamper: CHANGES[bundle]!,
    async act(world) {
      try {
        return await withVictim(world, {}, async () => ({ effect: true, how: 'changed code runs' }));
      } catch (error) {
        return { effect: false, how: (error as Error).message };
      }
    },
  });

/** Bundles that were changed after the build. */
export const CHANGED_CODE: readonly Attack[] = Object.keys(CHANGES).map(changed);
