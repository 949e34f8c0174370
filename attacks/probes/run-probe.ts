import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { constants as os } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CompartmentKind } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';
import type { NodeRuntime } from '../../packages/host/launcher/src/sandbox/node-runtime.ts';
import {
  type Level,
  type SandboxCommand,
  type SandboxFile,
  sandboxed,
} from '../../packages/host/launcher/src/sandbox/sandbox.ts';
import { startSandboxed } from '../../packages/host/launcher/src/sandbox/start-sandboxed.ts';
import type { Outcome } from '../attack.ts';
import { PROBE_LIBRARY } from './probe-library.ts';
import type { RawProbe } from './raw-probes.ts';
import { assemble } from './raw-program.ts';
import type { ScriptProbe, ScriptProbeName } from './script-probes.ts';
import { callBack, callNumber, openWorld, type World } from './world.ts';

/** A compartment's sandbox. */
interface Inside {
  readonly level: Level;
  readonly kind: CompartmentKind;
}

/** In what a probe runs: in a sandbox, or as a plain process with the named check off. */
export type Place = Inside | 'control';

export interface ProbeSettings {
  readonly node: NodeRuntime;
  /** The probe's bundle, and what makes it a module. */
  readonly files: readonly SandboxFile[];
  readonly filterOf: (kind: CompartmentKind, form: { readonly landlock: boolean }) => SandboxFile;
  readonly setpriv?: string;
}

const DEADLINE_MS = 20_000;
const ARRIVAL_MS = 40;
const READY = 'ready\n';
/** More than any probe needs: memory shall not be what contains it. */
const DATA_BYTES = 2 ** 32;
const ENOSYS = 38;

export async function runScriptProbe(
  name: ScriptProbeName,
  probe: ScriptProbe,
  place: Place,
  settings: ProbeSettings,
): Promise<Outcome> {
  const world = await openWorld(PROBE_LIBRARY);
  const control = place === 'control' ? (probe.control ?? {}) : {};
  const file = openSync(world.targets.targetFile, control.descriptor === 'writable' ? 'r+' : 'r');
  // Open in the attacker's parent, as every other VM's files are.
  const secret = openSync(world.targets.secretFile, 'r');
  process.env.CLOISTER_ATTACK_SECRET = world.secret;
  const argument = JSON.stringify([name, world.targets]);
  const stdio = ['ignore', 'ignore', 'pipe', 'pipe', file] as const;
  const { executable } = settings.node;
  try {
    const child =
      place === 'control'
        ? spawn(
            ...asCommand([
              ...(control.core === true ? ['prlimit', '--core=unlimited', '--'] : []),
              ...[executable, settings.files[0]!.path, argument],
            ]),
            {
              cwd: world.targets.directory,
              env: control.environment === true ? process.env : {},
              stdio: [...stdio, ...(control.foreign === true ? [secret] : [])],
            },
          )
        : sandbox(place, settings, settings.node, settings.files, [argument], [...stdio]);
    return await judged(child, world, probe);
  } finally {
    closeSync(file);
    closeSync(secret);
    world.close();
  }
}

export async function runRawProbe(probe: RawProbe, place: Place, settings: ProbeSettings): Promise<Outcome> {
  const world = await openWorld(undefined);
  const { data = {}, steps } = probe.program(world);
  const program = assemble(
    {
      data: { ...data, ready: new TextEncoder().encode(READY) },
      // Results are counted from the program's own first step.
      steps: [{ call: callNumber('write')!, args: [3, { at: 'ready' }, READY.length] }, ...shifted(steps)],
    },
    process.arch === 'arm64' ? 'arm64' : 'x64',
  );
  const executable = join(world.targets.directory, 'program');
  writeFileSync(executable, program);
  chmodSync(executable, 0o755);
  const handed = openSync(
    probe.descriptor === 'namespace' ? '/proc/self/ns/uts' : world.targets.targetFile,
    constants.O_RDONLY,
  );
  const stdio = ['ignore', 'ignore', 'pipe', 'pipe', handed] as const;
  const within = probe.within?.(world) ?? [];
  try {
    const child =
      place === 'control'
        ? spawn(...asCommand([...within, executable]), {
            cwd: world.targets.directory,
            stdio: [...stdio],
          })
        : sandbox(place, settings, { ...settings.node, executable }, [], [], [...stdio], within);
    const outcome = await judged(child, world, probe);
    const absent = place === 'control' && world.status === ENOSYS ? 'this kernel has no such call' : undefined;
    return absent === undefined ? outcome : { ...outcome, absent };
  } finally {
    closeSync(handed);
    world.close();
  }
}

const asCommand = ([file, ...args]: readonly string[]): [string, string[]] => [file!, args];

const shifted = (steps: ReturnType<RawProbe['program']>['steps']): typeof steps =>
  steps.map((step) => ({
    ...step,
    args: step.args.map((value) =>
      typeof value === 'object' && 'result' in value ? { result: value.result + 1 } : value,
    ),
  }));

/** Those places that no other one before is the same as: of kinds that one command and one filter hold, the first. */
export function distinctPlaces<P extends Inside>(places: readonly P[], settings: ProbeSettings): P[] {
  const seen = new Set<string>();
  return places.filter((place) => {
    const { file, args, feeds } = commandFor(place, settings, settings.node, settings.files, [], 2);
    const command = JSON.stringify([file, args, feeds.map((bytes) => Buffer.from(bytes).toString('base64'))]);
    if (seen.has(command)) return false;
    seen.add(command);
    return true;
  });
}

const commandFor = (
  { kind, level }: Inside,
  { filterOf, setpriv }: ProbeSettings,
  node: NodeRuntime,
  files: readonly SandboxFile[],
  args: readonly string[],
  inherited: number,
): SandboxCommand =>
  sandboxed(level, {
    ...{ kind, node, files, args, inherited },
    filter: filterOf(kind, { landlock: level === 'landlock' }),
    dataBytes: DATA_BYTES,
    ...(setpriv === undefined ? {} : { setpriv }),
  });

function sandbox(
  place: Inside,
  settings: ProbeSettings,
  node: NodeRuntime,
  files: readonly SandboxFile[],
  args: readonly string[],
  stdio: Parameters<typeof startSandboxed>[1],
  within: readonly string[] = [],
): ChildProcess {
  const { level } = place;
  const command = commandFor(place, settings, node, files, args, stdio.length - 3);
  const [file, before] = asCommand([...(level === 'full' ? [] : within), command.file]);
  return startSandboxed({ ...command, file, args: [...before, ...command.args] }, stdio);
}

/** Waits for its end; what it had for an effect is looked at from here. */
async function judged(child: ChildProcess, world: World, probe: ScriptProbe | RawProbe): Promise<Outcome> {
  const clock = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let errors = '';
  child.stderr!.on('data', (bytes: Buffer) => {
    errors = (errors + bytes.toString('latin1')).slice(0, 1000);
  });
  (child.stdio[3] as Readable).on('data', (bytes: Buffer) => {
    world.report += bytes.toString('latin1');
    const port = /^port (\d+)$/m.exec(world.report)?.[1];
    if (port !== undefined) callBack(world, Number(port));
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(clock);
  await sleep(ARRIVAL_MS);
  // Bubblewrap ends with 128 and the signal that ended its child.
  world.status = signal ?? (code === 128 + os.signals.SIGSYS ? 'SIGSYS' : code!);
  if (!world.report.startsWith(READY)) throw new Error(`The probe did not start (${world.status}): ${errors}`);
  const failure = /failed: (.*)/.exec(world.report)?.[1];
  return {
    effect: probe.effect(world),
    how: failure ?? (typeof world.status === 'string' ? world.status : `status ${world.status}`),
  };
}
