import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { SandboxCommand } from './sandbox.ts';

/**
 * Spawns the command with `stdio` for descriptors 0 to 2 and the inherited ones, and feeds it.
 * Its pid may be bubblewrap's, whose end is the compartment's; see `processOf` for the compartment's own.
 */
export function startSandboxed(command: SandboxCommand, stdio: Exclude<StdioOptions, string>): ChildProcess {
  const child = spawn(command.file, command.args, {
    env: command.env,
    detached: true,
    stdio: [...stdio, ...command.feeds.map(() => 'pipe' as const)],
  });
  command.feeds.forEach((bytes, index) => {
    const pipe = child.stdio[stdio.length + index] as Writable | null | undefined;
    // It ended before it was fed: its exit says so.
    pipe?.on('error', () => {});
    pipe?.end(bytes);
  });
  return child;
}
