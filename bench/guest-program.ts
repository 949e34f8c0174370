import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const COMPILER = 'riscv64-linux-gnu-gcc';
const sources = new URL('../bench/guest/', import.meta.url);

/** Compiles `bench/guest/NAME.c` for a Linux guest, statically, to `out`; @throws with one line if there is no cross compiler. */
export function compileGuestProgram(name: string, out: string): void {
  const source = fileURLToPath(new URL(`${name}.c`, sources));
  const { status, stderr, error } = spawnSync(COMPILER, ['-O2', '-static', '-Wall', '-o', out, source], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (error !== undefined)
    throw new Error(`No ${COMPILER}: apt-get install gcc-riscv64-linux-gnu libc6-dev-riscv64-cross`);
  if (status !== 0) throw new Error(`${COMPILER} failed: ${stderr.split('\n')[0]}`);
}
