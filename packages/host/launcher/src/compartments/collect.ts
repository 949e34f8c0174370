import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let gc: (() => void) | undefined;

/** Collects this thread's garbage now: V8 does it by what its own heap holds, not by what that keeps alive outside. */
export function collect(): void {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  gc();
}

const THOROUGH = ['stress-flush-code', 'compact-on-every-full-gc'];

/** Also drops the bytecode of what does not run, and empties pages that hold little. The options hold no longer than that. */
export function collectThoroughly(): void {
  for (const option of THOROUGH) setFlagsFromString(`--${option}`);
  collect();
  for (const option of THOROUGH) setFlagsFromString(`--no-${option}`);
}
