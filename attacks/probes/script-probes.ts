import { accessSync, readFileSync } from 'node:fs';
import { cpus, hostname, networkInterfaces } from 'node:os';
import { isJitless } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';
import { isRoot, type Judged, made, NODE_MAJOR, reported } from './probe-kind.ts';
import { targetUnchanged, type World } from './world.ts';

/** What descriptor 4 is, and whether the secret file is handed over as descriptor 5: the named check of some probes. */
export interface ScriptControl {
  readonly descriptor?: 'writable';
  readonly foreign?: true;
  readonly environment?: true;
  readonly core?: true;
}

export interface ScriptProbe extends Judged {
  readonly control?: ScriptControl;
}

const arrived =
  (name: string) =>
  (world: World): boolean =>
    world.arrived.has(name);
const exists =
  (name: string) =>
  (world: World): boolean =>
    world.exists(name);
const victimIs =
  (...states: readonly string[]) =>
  (world: World): boolean =>
    states.includes(world.victimState());
const says =
  (text: (world: World) => string) =>
  (world: World): boolean =>
    world.report.includes(text(world));

const outsideAddress = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && !one.internal)?.address;

const corePattern = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
  } catch {
    return '|';
  }
};

const canAccess = (path: string): boolean => {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
};

/** Probes in JavaScript: each by what the code of a compartment can reach in Node. `probe.ts` has the programs. */
export const SCRIPT_PROBES = {
  'read-file': { effect: reported },
  'write-file': { effect: (world) => !targetUnchanged(world) },
  'create-file': { effect: made },
  'list-directory': { effect: says(({ entry }) => entry) },
  'stat-file': { effect: says(({ secretBytes }) => `size ${secretBytes}`) },
  'resolve-path': { effect: says(({ entry }) => entry) },
  'make-symlink': { effect: made },
  'rename-file': { effect: made },
  'unlink-file': { effect: (world) => !world.linkStands() },
  'chmod-file': { effect: (world) => world.target().mode === 0o600 },
  'fchmod-descriptor': { effect: (world) => world.target().mode === 0o600 },
  'truncate-descriptor': { effect: (world) => !targetUnchanged(world), control: { descriptor: 'writable' } },
  'touch-descriptor': { effect: (world) => world.target().mtimeMs === 1000 },
  'write-descriptor': { effect: (world) => !targetUnchanged(world), control: { descriptor: 'writable' } },
  'use-foreign-descriptor': { effect: reported, control: { foreign: true } },
  'sqlite-file': {
    effect: made,
    notHere: () => (process.allowedNodeEnvironmentFlags.has('--experimental-sqlite') ? undefined : 'no node:sqlite'),
  },
  'trace-file': { effect: exists('node_trace') },
  'report-file': { effect: made },
  'heap-snapshot': { effect: made },
  'core-dump': {
    effect: exists('core'),
    control: { core: true },
    notHere: () => (/^[|/]/.test(corePattern()) ? 'cores go elsewhere on this host' : undefined),
  },
  'run-shell': { effect: made },
  'spawn-node': { effect: says(() => 'spawned') },
  'kill-process': { effect: victimIs('gone') },
  'stop-process': { effect: victimIs('T') },
  'tcp-connect': { effect: arrived('tcp') },
  'unix-connect': { effect: arrived('unix') },
  'abstract-connect': { effect: arrived('abstract') },
  'udp-send': { effect: arrived('udp') },
  'dns-query': { effect: arrived('udp') },
  'listen-loopback': { effect: arrived('listener') },
  'open-inspector': { effect: arrived('listener') },
  'load-addon': {
    effect: says(() => 'addon'),
    notHere: () => (process.arch === 'x64' ? undefined : 'the library is assembled for x86-64 alone'),
  },
  'process-binding': { effect: reported },
  'import-data': { effect: reported },
  'free-worker': { effect: reported, source: 'isolation.md 1a' },
  'wasi-file': {
    effect: reported,
    notHere: (kind) => (isJitless(kind, NODE_MAJOR) ? 'without JIT there is no WebAssembly' : undefined),
  },
  'read-environment': { effect: reported, control: { environment: true } },
  'read-interfaces': {
    effect: says(() => outsideAddress!),
    notHere: () => (outsideAddress === undefined ? 'the host has no address but loopback' : undefined),
  },
  'read-hostname': { effect: says(() => `hostname ${hostname()};`) },
  'read-cpus': {
    effect: says(() => cpus()[0]!.model),
    notHere: () => ((cpus()[0]?.model ?? '') === '' ? 'the host names no CPU' : undefined),
  },
  'read-other-arguments': {
    effect: reported,
    notHere: () => (isRoot || canAccess('/proc/1/cmdline') ? undefined : 'the host hides the arguments of others'),
  },
} as const satisfies Readonly<Record<string, ScriptProbe>>;

export type ScriptProbeName = keyof typeof SCRIPT_PROBES;
