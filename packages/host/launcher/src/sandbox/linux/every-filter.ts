import { type Architecture, COMPARTMENT_KINDS, filterName } from '../compartment-kind.ts';
import { rulesOf } from './allow-lists.ts';
import { compileFilter } from './filter.ts';

/** What the build writes: each filter by its file's name. The compiler has no place in the launcher's process. */
export function* everyFilter(): Generator<readonly [name: string, bytes: Uint8Array]> {
  for (const kind of COMPARTMENT_KINDS)
    for (const architecture of ['x64', 'arm64'] as const satisfies readonly Architecture[])
      for (const jitless of [false, true])
        for (const landlock of [false, true]) {
          const variant = { jitless, landlock };
          yield [filterName(kind, architecture, variant), compileFilter(rulesOf(kind, variant), architecture)];
        }
}
