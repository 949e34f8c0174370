import type { DiskConfig, VirtualMachine, VirtualMachineConfig } from '@cloister/launcher';
import { fail } from '../failure.ts';
import { runSession } from '../guest/run-session.ts';
import { SESSION_PORTS, sessionScript } from '../guest/session-protocol.ts';
import { printable } from '../printable.ts';
import type { ProgressSink } from '../progress.ts';
import { COMMAND_LINE } from './busybox.ts';

export type StartVirtualMachine = (config: VirtualMachineConfig) => Promise<VirtualMachine>;

/** What a build in a virtual machine needs. */
export interface BuildRun {
  readonly startVirtualMachine: StartVirtualMachine;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly disks: readonly DiskConfig[];
  /** Appended to the images' command line. */
  readonly append?: string;
  readonly memoryBytes: number;
  /** A script for sh; the lines of its output that begin with `@ ` are steps to show. */
  readonly script: string;
  readonly progress: ProgressSink | undefined;
  readonly startedAt: number;
  readonly signal: AbortSignal | undefined;
}

const OUTPUT_LIMIT = 16 * 1024 * 1024;
const LOG_LINES = 20;

/**
 * Runs a script in a machine with Cloister's init, to the machine's end, and returns what it wrote on stdout. Throws
 * `build-failed` with the last lines of its log, or `aborted`.
 */
export async function runBuild(run: BuildRun): Promise<string> {
  const machine = await run
    .startVirtualMachine({
      memoryBytes: run.memoryBytes,
      kernel: run.kernel,
      initrd: run.initrd,
      commandLine: run.append === undefined ? COMMAND_LINE : `${COMMAND_LINE} ${run.append}`,
      disks: run.disks,
      ports: SESSION_PORTS,
    })
    .catch((error) =>
      fail(
        'build-failed',
        `The build machine does not start (${error instanceof Error ? error.message : String(error)})`,
        error,
      ),
    );
  let output = '';
  let log = '';
  let pending = '';
  const end = await runSession(machine, sessionScript({ argv: ['/bin/sh', '-c', run.script] }), {
    signal: run.signal,
    onStdout: (bytes) => {
      const text = Buffer.from(bytes).toString('utf8');
      if (output.length < OUTPUT_LIMIT) output += text;
      pending += text;
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('@ '))
          run.progress?.({
            kind: 'step',
            text: printable(line.slice(2)),
            seconds: (Date.now() - run.startedAt) / 1000,
          });
      }
    },
    onStderr: (bytes) => {
      log = (log + Buffer.from(bytes).toString('utf8')).slice(-16_384);
    },
  });
  const last = log.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
  if (end.kind === 'aborted') fail('aborted', 'Interrupted');
  if (end.kind === 'lost')
    fail(
      'build-failed',
      `The build machine ended early (${end.reason.split('\n')[0]})`,
      new Error(`${end.reason}\n${last}`),
    );
  if (end.status !== 0)
    fail(
      'build-failed',
      `The build ended with status ${end.status} (${printable(last.split('\n').at(-1) ?? '')})`,
      new Error(last),
    );
  return output;
}
