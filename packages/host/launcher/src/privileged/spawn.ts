import type { Socket } from 'node:net';
import type { Builds } from '../control.ts';
import { loadBuild, type Manifest } from '../manifest.ts';
import { type CompartmentKind, filterName, isJitless } from '../sandbox/compartment-kind.ts';
import type { NodeRuntime } from '../sandbox/node-runtime.ts';
import { type Level, levelOf, type SandboxFile, sandboxed } from '../sandbox/sandbox.ts';
import { type Compartment, DEADLINE_MS, startCompartment } from './compartment.ts';
import { createCpuLimit } from './cpu-limit.ts';

export interface SpawnRequest {
  readonly kind: CompartmentKind;
  readonly builds: Builds;
  /** With an inspector, which no sandbox allows. */
  readonly debug: boolean;
  /** CPUs that it may use on average, and most private memory in bytes. */
  readonly cpus: number;
  readonly dataBytes: number;
  readonly links: readonly { readonly end: Socket; readonly epoch: Uint8Array }[];
  readonly files: readonly number[];
  readonly settings: object;
  heard(status: Buffer): void;
}

/** A compartment, and what it runs at which level. */
export interface Spawned extends Compartment {
  readonly kind: CompartmentKind;
  readonly level: Level;
  /** SHA-256 of its code, in hexadecimal. */
  readonly code: string;
}

/** @throws if its code is not what the manifest says */
export type Spawn = (request: SpawnRequest, log: (bytes: Buffer) => void) => Spawned;

/** Private memory that is enough for a compartment without guest RAM. */
export const DATA_BYTES = 384 * 2 ** 20;

export function createSpawn(node: NodeRuntime, reached: Level, manifest: Manifest): Spawn {
  const limit = createCpuLimit();
  return (request, log) => {
    const { kind, builds, links, files } = request;
    const entry = kind === 'slice' && builds.slice !== undefined ? loadBuild(builds.slice) : manifest(`${kind}.cjs`);
    const hart =
      kind !== 'machine' ? undefined : builds.hart === undefined ? manifest('hart.cjs') : loadBuild(builds.hart);
    const variant = { jitless: isJitless(kind, node.major), landlock: reached === 'landlock' };
    const others: readonly SandboxFile[] = hart === undefined ? [] : [hart];
    const level = request.debug ? 'none' : levelOf(kind, reached);
    const command = sandboxed(level, {
      kind,
      node,
      files: [entry, ...others],
      filter: manifest(filterName(kind, node.architecture, variant)),
      args: [],
      inherited: 1 + links.length + files.length,
      dataBytes: request.dataBytes,
    });
    const compartment = startCompartment(
      {
        command: request.debug
          ? { file: node.executable, args: ['--inspect=127.0.0.1:0', entry.path], env: {} }
          : command,
        feeds: request.debug ? [] : command.feeds,
        links,
        files,
        settings:
          hart === undefined
            ? request.settings
            : { ...request.settings, hart: level === 'full' ? `/app/${hart.name}` : hart.path },
        deadlineMs: DEADLINE_MS,
        log,
      },
      request.heard,
    );
    if (compartment.pid !== undefined) limit.watch(compartment.pid, request.cpus);
    return Object.assign(compartment, { kind, level, code: entry.hash });
  };
}
