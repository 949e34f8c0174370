import { readFileSync, writeFileSync } from 'node:fs';
import { runBareMetal, signatureOf } from './bare-metal.ts';
import { readElf } from './elf.ts';
import { readFuzzCommand, runFuzz } from './fuzz/command.ts';
import { measuredFuzz } from './fuzz-hypelet/command.ts';
import { lackingExtensions } from './isa-string.ts';
import { runRiscvTests } from './riscv-tests.ts';

const USAGE = `Usage:
  npm run conformance -- riscv-tests DIRECTORY
  npm run conformance -- elf FILE [--signature OUT] [--isa STRING] [--limit INSTRUCTIONS]
  npm run conformance -- fuzz --peer qemu [--programs N] [--seed S] [--quick]
  npm run conformance -- fuzz-hypelet [--sequences N] [--seed S]`;

function option(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
}

function main([command, ...args]: string[]): number {
  if (command === 'riscv-tests' && args[0] !== undefined) {
    const { passed, failed, notApplicable } = runRiscvTests(args[0]);
    for (const { name, outcome } of failed) console.log(`FAIL ${name} ${JSON.stringify(outcome)}`);
    for (const name of notApplicable) console.log(`not applicable: ${name}`);
    console.log(`${passed.length} passed, ${failed.length} failed, ${notApplicable.length} skipped`);
    return failed.length === 0 && passed.length > 0 ? 0 : 1;
  }
  if (command === 'elf' && args[0] !== undefined) {
    const lacking = lackingExtensions(option(args, '--isa') ?? 'rv64gc');
    if (lacking.length > 0) throw new Error(`The machine lacks ${lacking.join(', ')}`);
    const elf = readElf(readFileSync(args[0]));
    const { outcome, machine } = runBareMetal(elf, Number(option(args, '--limit') ?? 1e9));
    const signature = option(args, '--signature');
    if (signature !== undefined) writeFileSync(signature, signatureOf(elf, machine));
    console.log(JSON.stringify(outcome));
    return outcome.kind === 'pass' ? 0 : 1;
  }
  if (command === 'fuzz') return runFuzz(readFuzzCommand(args), console.log).differences.length === 0 ? 0 : 1;
  if (command === 'fuzz-hypelet') {
    const seed = Number(option(args, '--seed') ?? Date.now() % 2 ** 31);
    const { coverage, decodedShare, ...result } = measuredFuzz(
      Number(option(args, '--sequences') ?? 20_000),
      seed,
      import.meta.url,
    );
    console.log(JSON.stringify(result, null, 2));
    for (const line of coverage.missed) console.log(`not reached: ${line}`);
    console.log(`messages that pass the decoder: ${(100 * decodedShare).toFixed(1)} % of ${result.messages}`);
    console.log(`branches of decode and act: ${coverage.covered} of ${coverage.blocks}`);
    return result.holds ? 0 : 1;
  }
  console.error(USAGE);
  return 2;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`conformance: ${(error as Error).message}`);
  process.exitCode = 2;
}
