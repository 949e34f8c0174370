import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory, mirrorCandidates } from '@cloister/images';
import { sandboxLevel } from '@cloister/sdk';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  /** What to do when it is not ok. */
  readonly advice: string;
}

const GIB = 2 ** 30;
const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

/** `cloister doctor`: whether this host can run guests, each line with what to do if it can't. */
export async function doctor(flags: { readonly json?: boolean; readonly mirror?: string }): Promise<number> {
  const checks = [
    ...[node(), sharedMemory(), wasmThreads(), memory()],
    ...(await disk()),
    await sandbox(),
    await mirror(flags.mirror),
  ];
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ schema: 1, checks }, null, 2)}\n`);
  else
    for (const { name, ok, found, advice } of checks)
      process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(16)}${found}${ok ? '' : `. ${advice}`}\n`);
  return checks.every(({ ok }) => ok) ? 0 : 1;
}

function node(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return {
    name: 'node',
    ok: major > 20 || (major === 20 && minor >= 19),
    found: process.versions.node,
    advice: 'Install Node 20.19 or newer',
  };
}

function sharedMemory(): Check {
  const advice = 'Free memory, or allow more address space (ulimit -v unlimited)';
  try {
    new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
    return { name: 'shared memory', ok: true, found: '4 GiB can be reserved', advice };
  } catch (error) {
    return { name: 'shared memory', ok: false, found: (error as Error).message, advice };
  }
}

/** A module with an atomic fence: (module (func atomic.fence)). */
const FENCE = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  4,
  1,
  0x60,
  0,
  0,
  3,
  2,
  1,
  0,
  10,
  7,
  1,
  5,
  0,
  0xfe,
  3,
  0,
  0x0b,
);

function wasmThreads(): Check {
  const ok = WebAssembly.validate(FENCE);
  return {
    name: 'wasm threads',
    ok,
    found: ok ? 'yes' : 'no',
    advice: 'Start Node without flags that turn WebAssembly threads off',
  };
}

function memory(): Check {
  const free = freemem();
  return {
    name: 'memory',
    ok: free > 0.75 * GIB,
    found: `${gib(free)} free of ${gib(totalmem())}`,
    advice: 'A guest of the default size needs about 0.75 GiB: close something, or give less with -m',
  };
}

async function disk(): Promise<Check[]> {
  const directory = cacheDirectory();
  const advice = 'Make it writable, or name another directory with CLOISTER_CACHE_DIR';
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const probe = join(directory, `.doctor-${process.pid}`);
    await writeFile(probe, 'x');
    await rm(probe);
    const { bavail, bsize } = await statfs(directory);
    return [
      { name: 'cache', ok: true, found: directory, advice },
      {
        name: 'disk',
        ok: bavail * bsize > 2 * GIB,
        found: `${gib(bavail * bsize)} free`,
        advice: 'The debian image needs about 2 GiB while it is built',
      },
    ];
  } catch (error) {
    return [{ name: 'cache', ok: false, found: (error as Error).message, advice }];
  }
}

/** Guests run at every level, so that a lower one is no failure but for `--protect=strict`. */
async function sandbox(): Promise<Check> {
  const name = 'sandbox';
  const advice = 'Run npm run build';
  try {
    const { level, missing } = await sandboxLevel();
    const [first] = missing;
    const raise = first === undefined ? '' : ` ("${first.level}" fails: ${first.why}. To raise it, ${first.raise})`;
    return { name, ok: true, found: `${level}${raise}`, advice };
  } catch (error) {
    return { name, ok: false, found: (error as Error).message, advice };
  }
}

async function mirror(named: string | undefined): Promise<Check> {
  const advice = 'Check the network and any proxy, or name another mirror with --mirror URL';
  try {
    const [first] = await mirrorCandidates({ mirror: named });
    if (first === undefined) return { name: 'mirror', ok: false, found: 'none', advice };
    return { name: 'mirror', ok: true, found: first.url.toString(), advice };
  } catch (error) {
    return { name: 'mirror', ok: false, found: (error as Error).message, advice };
  }
}
