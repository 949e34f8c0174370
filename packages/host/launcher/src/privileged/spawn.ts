import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type BundleName, bundleUrl } from '../bundles.ts';
import type { Builds } from '../control.ts';
import { type Compartment, DEADLINE_MS, startCompartment } from './compartment.ts';

export type CompartmentKind = 'machine' | 'slice' | 'storage' | 'scheduler';

export interface SpawnRequest {
  readonly kind: CompartmentKind;
  readonly builds: Builds;
  /** With an inspector, which no sandbox allows. */
  readonly debug: boolean;
  readonly links: readonly { readonly end: Socket; readonly epoch: Uint8Array }[];
  readonly files: readonly number[];
  readonly settings: unknown;
  heard(status: Buffer): void;
}

/** A compartment, and what it runs at which level. */
export interface Spawned extends Compartment {
  readonly kind: CompartmentKind;
  readonly level: string;
  /** SHA-256 of its code, in hex. */
  readonly code: string;
}

export type Spawn = (request: SpawnRequest) => Spawned;

/** @param log what compartments write to stderr */
export function createSpawn(log: (kind: CompartmentKind, bytes: Buffer) => void): Spawn {
  return (request) => {
    const { kind, builds, debug } = request;
    const file = fileOf(kind, kind === 'slice' ? builds.slice : undefined);
    const settings =
      kind === 'machine' ? { ...(request.settings as object), hart: fileOf('hart', builds.hart) } : request.settings;
    const compartment = startCompartment(
      {
        command: {
          file: process.execPath,
          args: [...(debug ? ['--inspect=127.0.0.1:0'] : []), file],
          env: {},
        },
        feeds: [],
        links: request.links,
        files: request.files,
        settings,
        deadlineMs: DEADLINE_MS,
        log: (bytes) => log(kind, bytes),
      },
      request.heard,
    );
    const code = createHash('sha256').update(readFileSync(file)).digest('hex');
    return {
      kind,
      level: 'none',
      code,
      pid: compartment.pid,
      get status() {
        return compartment.status;
      },
      ended: compartment.ended,
      notice: compartment.notice,
      stop: compartment.stop,
      kill: compartment.kill,
    };
  };
}

const fileOf = (name: BundleName, build: string | undefined): string => build ?? fileURLToPath(bundleUrl(name));
