import type { NodeRuntime } from './node-runtime.ts';
import { type Level, type SandboxFile, type SandboxRequest, sandboxed } from './sandbox.ts';
import { startSandboxed } from './start-sandboxed.ts';

/** What a machine reaches, and for each level above it why not and what would change that. */
export interface ReachedLevel {
  readonly level: Level;
  readonly missing: readonly { readonly level: Level; readonly why: string; readonly raise: string }[];
}

const TRIAL_MS = 10_000;
const STDERR_BYTES = 2_000;

export type FilterOf = (kind: 'machine' | 'slice', form: { readonly landlock: boolean }) => SandboxFile;

/**
 * Tries the levels from the highest on, with a Node that does nothing.
 * @param filterOf this Node's filters
 */
export async function reachLevel(node: NodeRuntime, filterOf: FilterOf, setpriv?: string): Promise<ReachedLevel> {
  const missing: { level: Level; why: string; raise: string }[] = [];
  for (const level of ['full', 'landlock', 'permission'] as const) {
    const why = await failureOf(level, node, filterOf, setpriv);
    if (why === undefined) return { level, missing };
    missing.push({ level, why, raise: adviceOf(level, why) });
  }
  return { level: 'none', missing };
}

/** Why this machine does not reach a level, or undefined if it does. */
export async function failureOf(
  level: Level,
  node: NodeRuntime,
  filterOf: FilterOf,
  setpriv?: string,
): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'only Linux is tested';
  const failures = await Promise.all(
    (['machine', 'slice'] as const).map((kind) =>
      trial(level, {
        kind,
        node,
        files: [],
        filter: filterOf(kind, { landlock: level === 'landlock' }),
        args: ['--eval', ''],
        inherited: 0,
        dataBytes: 2 ** 30,
        ...(setpriv === undefined ? {} : { setpriv }),
      }),
    ),
  );
  return failures.find((failure) => failure !== undefined);
}

/** Why it failed, or undefined if it ended as it should. */
function trial(level: Level, request: SandboxRequest): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = startSandboxed(sandboxed(level, request), ['ignore', 'ignore', 'pipe']);
    const clock = setTimeout(() => child.kill('SIGKILL'), TRIAL_MS);
    let said = '';
    child.stderr!.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString('latin1')).slice(0, STDERR_BYTES);
    });
    const end = (why: string | undefined): void => {
      clearTimeout(clock);
      resolve(why);
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) =>
      end(code === 0 ? undefined : said.trim().split('\n')[0] || `It ended with ${signal ?? code}`),
    );
  });
}

function adviceOf(level: Level, why: string): string {
  if (/prlimit ENOENT/.test(why)) return 'install util-linux';
  if (level === 'landlock') return 'install util-linux 2.41 or newer, on a kernel with Landlock';
  if (level === 'permission') return 'install a newer Node';
  if (/bwrap/.test(why) && /No such file|ENOENT/.test(why)) return 'install bubblewrap';
  if (/namespace|uid map|Operation not permitted|Permission denied/i.test(why))
    return 'allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)';
  return 'run bwrap by hand to see what it lacks';
}
