import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { assemble, type RawProgram } from './raw-program.ts';

const directory = mkdtempSync(join(tmpdir(), 'cloister-raw-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ARM64_EMULATOR = 'qemu-aarch64';
const hasEmulator = spawnSync(ARM64_EMULATOR, ['--version']).status === 0;

function run(program: RawProgram, architecture: 'x64' | 'arm64'): { said: string; status: number | null } {
  const file = join(directory, `program.${architecture}`);
  writeFileSync(file, assemble(program, architecture));
  chmodSync(file, 0o755);
  const [command, args] = architecture === process.arch ? [file, []] : [ARM64_EMULATOR, [file]];
  const { stdout, status } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  return { said: stdout, status };
}

const numbers = {
  x64: { write: 1, dup: 32, close: 3, getppid: 110 },
  arm64: { write: 64, dup: 23, close: 57, getppid: 173 },
};

for (const architecture of ['x64', 'arm64'] as const)
  test.runIf(architecture === process.arch || hasEmulator)(
    `on ${architecture} a raw program's calls take addresses and results, and its status is the errno`,
    () => {
      const { write, dup, close } = numbers[architecture];
      const text = new TextEncoder().encode('hello');
      const program: RawProgram = {
        data: { text },
        steps: [
          { call: dup, args: [1] },
          { call: write, args: [{ result: 0 }, { at: 'text' }, text.length] },
        ],
      };
      expect(run(program, architecture)).toEqual({ said: 'hello', status: 0 });
      const EBADF = 9;
      expect(run({ steps: [{ call: close, args: [999] }] }, architecture).status).toBe(EBADF);
      expect(run({ steps: [{ call: numbers[architecture].getppid, args: [] }] }, architecture).status).toBe(0);
    },
  );
