import { basename, dirname } from 'node:path';
import { type CompartmentKind, isJitless } from './compartment-kind.ts';
import type { NodeRuntime } from './node-runtime.ts';
import { fillIn, type Level, type Recipe } from './recipe.ts';

export type { Level } from './recipe.ts';

export interface SandboxFile {
  readonly name: string;
  readonly path: string;
  /** What the manifest's hash was compared with. */
  readonly bytes: Uint8Array;
}

/** What the recipe for a kind depends on. */
export interface RecipeRequest {
  readonly kind: CompartmentKind;
  readonly node: NodeRuntime;
  /** The filter, what runs, and what that finds beside it: that there are so many is all that a recipe says of them. */
  readonly files: readonly unknown[];
  readonly args: readonly string[];
  /** util-linux's, of 2.41 or newer. */
  readonly setpriv?: string;
}

export interface SandboxRequest extends Omit<RecipeRequest, 'files'> {
  /** The first is what runs; the others it finds beside it. */
  readonly files: readonly SandboxFile[];
  readonly filter: SandboxFile;
  /** How many descriptors it inherits, from 3 on. */
  readonly inherited: number;
  /** RLIMIT_DATA: all private writable memory, the guest's RAM included, but what V8 sets aside for code. */
  readonly dataBytes: number;
}

/** A command to spawn with `env` and in a session of its own. */
export interface SandboxCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the parent writes into pipes that follow the inherited descriptors, one each. Nothing of them stays open. */
  readonly feeds: readonly Uint8Array[];
}

const MIB = 2 ** 20;

/** Connections of clients that a toolstack may have. */
export const CLIENTS_MAX = 256;
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
  // guest has 8 MiB of its own instead of 45, storage 8 instead of 20 (measured).
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/**
 * A machine of 1 GiB, as Node reads it. Where its old generation may reach 2 GiB, V8 copies its builtins next to the code,
 * 1.6 MiB (measured); said on the command line, a limit would cost the start what any option of V8 does.
 */
export const MEMINFO = 'meminfo';

/** What holds a kind at a level that the machine reaches: the permission model knows no worker and denies fdatasync. */
export const levelOf = (kind: CompartmentKind, reached: Level): Level =>
  reached === 'permission' && (kind === 'machine' || kind === 'storage') ? 'none' : reached;

/**
 * What the engine's compiler leaves behind when it has made the hart's code: with smaller pieces in pages of their own a
 * machine that has booted its guest has 22 to 23 MiB instead of 27 to 30, for no measurable time (measured). Others compile
 * little, and have many buffers of such sizes. Half of the reserve that glibc keeps on top of its heap is 0.5 MiB less, since
 * less lies in between; without any, a read of 256 MiB maps 2900 times instead of 1600 (measured).
 */
const MACHINE_ENV = {
  ...ENV,
  MALLOC_MMAP_THRESHOLD_: '8192',
  MALLOC_TRIM_THRESHOLD_: '16384',
  MALLOC_TOP_PAD_: '65536',
};

/** The command that runs a compartment at a level. Pure: it looks at nothing of the machine. */
export function sandboxed(reached: Level, request: SandboxRequest): SandboxCommand {
  const files = [request.filter, ...request.files];
  const recipe = recipeOf(reached, { ...request, files });
  const { dataBytes, inherited } = request;
  return {
    file: recipe.file,
    args: fillIn(recipe, { dataBytes, inherited, paths: files.map(({ path }) => path) }),
    env: recipe.env,
    feeds: recipe.fed ? files.map(({ bytes }) => bytes) : [],
  };
}

/** How a kind of compartment is run at a level. */
export function recipeOf(reached: Level, request: RecipeRequest): Recipe {
  const level = levelOf(request.kind, reached);
  const { file, args } = { full, landlock, permission, none }[level](request);
  const { kind, node, files } = request;
  const codeRanges = node.major < 22 || isJitless(kind, node.major) ? 0 : ISOLATES * CODE_RANGE;
  const rest = {
    level,
    env: kind === 'machine' ? MACHINE_ENV : ENV,
    fed: level === 'full',
    extraBytes: codeRanges,
    extraDescriptors: files.length + OWN_DESCRIPTORS + (kind === 'toolstack' ? CLIENTS_MAX : 0),
  };
  // Other systems have no such program, and their compartments no such limits.
  if (!node.hasLimits) return { file, args, ...rest };
  const limits = ['--data={data}', '--core=0', '--nofile={descriptors}'];
  return { file: 'prlimit', args: [...limits, '--', file, ...args], ...rest };
}

type Form = Pick<Recipe, 'file' | 'args'>;

function full(request: RecipeRequest): Form {
  const { kind, node, files } = request;
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
      ...files.slice(1).flatMap((_, index) => ['--ro-bind-data', `{feed:${index + 1}}`, `/app/{name:${index + 1}}`]),
      ...(kind === 'machine' ? ['--symlink', `/app/${MEMINFO}`, '/proc/meminfo'] : []),
      ...['--remount-ro', '/', '--chdir', '/', '--seccomp', '{feed:0}'],
      ...['--', '/n/node', ...nodeArguments(request, '/app')],
    ],
  };
}

/** Untested but with a setpriv built from util-linux's sources: Debian 12 has none that knows Landlock. */
function landlock(request: RecipeRequest): Form {
  const { node, files, setpriv = '/usr/bin/setpriv' } = request;
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
      ...files.flatMap((_, index) => rule('read-file', `{path:${index}}`)),
      // Two steps: setpriv would put the filter on before the Landlock rules.
      ...['--', setpriv, '--seccomp-filter', '{path:0}'],
      ...['--', node.executable, ...nodeArguments(request)],
    ],
  };
}

function permission(request: RecipeRequest): Form {
  const { node, files } = request;
  const flags = [node.permissionFlag, ...files.slice(1).map((_, index) => `--allow-fs-read={path:${index + 1}}`)];
  return { file: node.executable, args: [...flags, ...nodeArguments(request)] };
}

const none = (request: RecipeRequest): Form => ({ file: request.node.executable, args: nodeArguments(request) });

/** Node's options, what it runs and the arguments of that; `folder` is where the files lie, if not where they are. */
function nodeArguments({ kind, node, files: [, entry], args }: RecipeRequest, folder?: string): readonly string[] {
  return [
    // Options of V8 itself cost every start 14 ms: with any, what Node was built with as compiled code is compiled anew
    // (measured, Node 20.20). What can be set later inherit.ts sets.
    ...['--no-addons', '--disable-warning=ExperimentalWarning', '--v8-pool-size=1'],
    ...(node.hasSqlite ? ['--no-experimental-sqlite'] : []),
    ...(isJitless(kind, node.major) ? ['--jitless'] : []),
    // Hostile input is parsed into objects, and Node 24's RLIMIT_DATA is wider by what V8 sets aside.
    ...(kind === 'builder' ? ['--max-old-space-size={heap}'] : []),
    ...(entry === undefined ? [] : [folder === undefined ? '{path:1}' : `${folder}/{name:1}`]),
    ...args,
  ];
}
