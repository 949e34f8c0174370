import { basename, dirname } from 'node:path';
import { type CompartmentKind, isJitless } from './compartment-kind.ts';
import type { NodeRuntime } from './node-runtime.ts';

/**
 * How a compartment is held: `full` by namespaces, an empty root and its kind's filter; `landlock` by Landlock and the
 * filter; `permission` by Node's own model, which native code does not know; `none` by being another process.
 */
export type Level = 'full' | 'landlock' | 'permission' | 'none';

export interface SandboxFile {
  readonly name: string;
  readonly path: string;
  /** What the manifest's hash was compared with. */
  readonly bytes: Uint8Array;
}

export interface SandboxRequest {
  readonly kind: CompartmentKind;
  readonly node: NodeRuntime;
  /** The first is what runs; the others it finds beside it. */
  readonly files: readonly SandboxFile[];
  readonly filter: SandboxFile;
  readonly args: readonly string[];
  /** How many descriptors it inherits, from 3 on. */
  readonly inherited: number;
  /** RLIMIT_DATA: all private writable memory, the guest's RAM included, but what V8 sets aside for code. */
  readonly dataBytes: number;
  /** util-linux's, of 2.41 or newer. */
  readonly setpriv?: string;
}

/** A command to spawn with `env` and in a session of its own. */
export interface SandboxCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the parent writes into pipes that follow the inherited descriptors, one each. Nothing of them stays open. */
  readonly feeds: readonly Uint8Array[];
}

const FIRST = 3;
const MIB = 2 ** 20;

/** Epoll descriptors, wake-ups and pipes of Node itself (measured on Node 24: 23, and 6 for each worker). */
const OWN_DESCRIPTORS = 40;

/** What V8 12 and newer set aside for the code of one isolate, writable, so that it counts as data (measured). */
const CODE_RANGE = 512 * MIB;
/** The main thread's and one worker's; a worker can ask for less (`resourceLimits.codeRangeSizeMb`). */
const ISOLATES = 2;

/** A file that cannot be read (EACCES) ends OpenSSL; one that is not there (ENOENT) does not. */
const ENV = {
  UV_USE_IO_URING: '0',
  OPENSSL_CONF: '/nonexistent',
  // glibc keeps what V8 frees in between: with buffers of frames each in pages of its own, a slice that has booted its
  // guest has 8 MiB of its own instead of 45, storage 8 instead of 20, a machine 30 instead of 67 (measured).
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** What holds a kind at a level that the machine reaches: the permission model knows no worker and denies fdatasync. */
export const levelOf = (kind: CompartmentKind, reached: Level): Level =>
  reached === 'permission' && (kind === 'machine' || kind === 'storage') ? 'none' : reached;

/** The command that runs a compartment at a level. Pure: it looks at nothing of the machine. */
export function sandboxed(reached: Level, request: SandboxRequest): SandboxCommand {
  const { file, args, feeds } = { full, landlock, permission, none }[levelOf(request.kind, reached)](request);
  const { kind, node, dataBytes } = request;
  const codeRanges = node.major < 22 || isJitless(kind, node.major) ? 0 : ISOLATES * CODE_RANGE;
  const limits = [`--data=${dataBytes + codeRanges}`, '--core=0', `--nofile=${descriptorsOf(request)}`];
  // Other systems have no such program, and their compartments no such limits.
  if (!node.hasLimits) return { file, args, env: ENV, feeds };
  return { file: 'prlimit', args: [...limits, '--', file, ...args], env: ENV, feeds };
}

type Form = Pick<SandboxCommand, 'file' | 'args' | 'feeds'>;

const descriptorsOf = ({ inherited, files }: SandboxRequest): number =>
  FIRST + inherited + files.length + 1 + OWN_DESCRIPTORS;

function full(request: SandboxRequest): Form {
  const { node, files, filter, inherited } = request;
  const feed = (index: number): string => String(FIRST + inherited + index);
  const libraries = node.libraries.flatMap((path) => [
    '--ro-bind',
    path,
    // The kernel looks for the loader where the executable says; the loader looks for the rest where we say.
    /^ld-/.test(basename(path)) ? path : `/n/lib/${basename(path)}`,
  ]);
  return {
    file: 'bwrap',
    args: [
      // As its own pid 1: bubblewrap's would inherit the filter, and die of it.
      ...['--unshare-all', '--as-pid-1', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
      ...['--hostname', 'cloister', '--setenv', 'LD_LIBRARY_PATH', '/n/lib', '--tmpfs', '/'],
      ...['--ro-bind', node.executable, '/n/node', ...libraries],
      ...files.flatMap(({ name }, index) => ['--ro-bind-data', feed(index + 1), `/app/${name}`]),
      ...['--remount-ro', '/', '--chdir', '/', '--seccomp', feed(0)],
      ...['--', '/n/node', ...nodeArguments(request, '/app')],
    ],
    feeds: [filter.bytes, ...files.map(({ bytes }) => bytes)],
  };
}

/** Untested but with a setpriv built from util-linux's sources: Debian 12 has none that knows Landlock. */
function landlock(request: SandboxRequest): Form {
  const { node, files, filter, setpriv = '/usr/bin/setpriv' } = request;
  const rule = (access: string, path: string): readonly string[] => [
    '--landlock-rule',
    `path-beneath:${access}:${path}`,
  ];
  // setpriv has libraries too; they lie where Node's do.
  const folders = new Set(node.libraries.map((path) => dirname(path)));
  return {
    file: setpriv,
    args: [
      ...['--no-new-privs', '--pdeathsig', 'KILL', '--landlock-access', 'fs'],
      ...[node.executable, setpriv, ...folders].flatMap((path) => rule('execute,read-file', path)),
      ...[filter, ...files].flatMap(({ path }) => rule('read-file', path)),
      // Two steps: setpriv would put the filter on before the Landlock rules.
      ...['--', setpriv, '--seccomp-filter', filter.path],
      ...['--', node.executable, ...nodeArguments(request)],
    ],
    feeds: [],
  };
}

function permission(request: SandboxRequest): Form {
  const { node, files } = request;
  const flags = [node.permissionFlag, ...files.map(({ path }) => `--allow-fs-read=${path}`)];
  return { file: node.executable, args: [...flags, ...nodeArguments(request)], feeds: [] };
}

const none = (request: SandboxRequest): Form => ({
  file: request.node.executable,
  args: nodeArguments(request),
  feeds: [],
});

/** Node's options, what it runs and the arguments of that; `folder` is where the files lie, if not where they are. */
function nodeArguments({ kind, node, files: [entry], args }: SandboxRequest, folder?: string): readonly string[] {
  return [
    // Options of V8 itself cost every start 14 ms: with any, what Node was built with as compiled code is compiled anew
    // (measured, Node 20.20). What can be set later inherit.ts sets.
    ...['--no-addons', '--disable-warning=ExperimentalWarning', '--v8-pool-size=1'],
    ...(node.hasSqlite ? ['--no-experimental-sqlite'] : []),
    ...(isJitless(kind, node.major) ? ['--jitless'] : []),
    ...(entry === undefined ? [] : [folder === undefined ? entry.path : `${folder}/${entry.name}`]),
    ...args,
  ];
}
