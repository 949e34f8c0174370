import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBareMachine } from '@cloister/hardware/bare-machine';
import { readElf } from '../conformance/elf.ts';
import { type Bench, reached } from './measurement.ts';

const COMPILER = 'riscv64-unknown-elf-gcc';
const kernels = new URL('../bench/kernels/', import.meta.url).pathname;
/** Repeats that warm the engine up before the clock starts, in instructions. */
const WARM_UP = 30_000_000;

/** Compiles the integer kernel; @throws with one line if there is no cross compiler. */
export function compileIntegerKernel(repeats: number): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-bench-'));
  try {
    const out = join(folder, 'integer.elf');
    const flags = '-O2 -march=rv64gc -mabi=lp64d -mcmodel=medany -nostdlib -ffreestanding'.split(' ');
    const { status, stderr, error } = spawnSync(
      COMPILER,
      [
        ...flags,
        `-DREPEATS=${repeats}`,
        '-T',
        join(kernels, 'bare-metal.ld'),
        join(kernels, 'start.S'),
        join(kernels, 'integer.c'),
        '-o',
        out,
      ],
      { encoding: 'utf8', timeout: 60_000 },
    );
    if (error !== undefined) throw new Error(`No ${COMPILER}: apt-get install gcc-riscv64-unknown-elf`);
    if (status !== 0) throw new Error(`${COMPILER} failed: ${stderr.split('\n')[0]}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Guest MIPS of the interpreter on one integer kernel compiled by gcc -O2, after its warm-up. */
export const interpreterBench: Bench = async ({ quick }) => {
  const elf = readElf(compileIntegerKernel(quick ? 300 : 1500));
  const figures: number[] = [];
  for (let run = 0; run < (quick ? 3 : 5); run += 1) {
    const machine = createBareMachine(64 * 2 ** 20);
    for (const { address, bytes, memoryBytes } of elf.segments) machine.load(address, bytes, memoryBytes);
    let result = 0n;
    machine.watch(elf.symbols.get('tohost')!, (value) => {
      result = value;
      return true;
    });
    machine.start(elf.entry);
    const before = machine.run(WARM_UP);
    const start = performance.now();
    const retired = machine.run(Number.POSITIVE_INFINITY) - before;
    if (result !== 1n) throw new Error(`The integer kernel gave ${result} instead of 1`);
    figures.push(retired / 1000 / (performance.now() - start));
  }
  return [reached('interpreter', 'guest MIPS, integer kernel, gcc -O2 rv64gc', figures, 250)];
};
