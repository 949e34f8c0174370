import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { nodePrimitives } from '@cloister/crypto';
import { SCHEMES, type SchemeName } from '@cloister/pdp';
import { openManifest } from '../../packages/host/launcher/src/client/manifest.ts';
import { runtimeDirectory } from '../../packages/host/launcher/src/client/runtime-directory.ts';
import { knownLevel } from '../../packages/host/launcher/src/client/sandbox-level.ts';
import { filterName, isJitless } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';
import { thisNode } from '../../packages/host/launcher/src/sandbox/node-runtime.ts';
import { sandboxed } from '../../packages/host/launcher/src/sandbox/sandbox.ts';
import { startSandboxed } from '../../packages/host/launcher/src/sandbox/start-sandboxed.ts';

export const FUNCTIONS = ['KeyGen', 'Tag', 'Challenge', 'Proof', 'Verify'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];
/** Milliseconds a run, one sample a round. */
export type FunctionTimes = Readonly<Record<FunctionName, readonly number[]>>;

export interface FunctionWish {
  readonly scheme: SchemeName;
  readonly blockBytes: number;
  readonly blocks: number;
  /** Blocks that are asked for. */
  readonly count: number;
  readonly modulusBits?: number;
  readonly leastMs: number;
  readonly rounds: number;
}

/** Small: what is compared is one process with another, and not one scheme. */
const SIZE = { blockBytes: 4096, blocks: 32, count: 16, leastMs: 20 } as const;
const MODULUS_BITS = 2048;
const DATA_BYTES = 2 ** 32;
const DEADLINE_MS = 120_000;

/** A scheme's functions, in an enclave's sandbox and in a process without one, turn by turn. */
export interface Compared {
  readonly scheme: SchemeName;
  readonly inside: FunctionTimes;
  readonly plain: FunctionTimes;
}

/**
 * Each scheme's five functions in the sandbox of an enclave, against the same bundle in a plain process: the keys' primes
 * are given, and nothing goes over a channel (what that costs, `enclaveWork` has).
 */
export async function* compareFunctions(rounds: number): AsyncGenerator<Compared, void, undefined> {
  const dist = dirname(fileURLToPath(import.meta.url));
  const node = thisNode();
  const manifest = openManifest(dist);
  const level = await knownLevel(runtimeDirectory());
  const form = { jitless: isJitless('enclave', node.major), landlock: level === 'landlock' };
  const filter = manifest.read(filterName('enclave', node.architecture, form));
  const bundle = manifest.read('five-functions.cjs');
  for (const scheme of Object.keys(SCHEMES) as SchemeName[]) {
    const { modulus } = SCHEMES[scheme](nodePrimitives).facts;
    const wish: FunctionWish = { scheme, ...SIZE, rounds: 1, ...(modulus === true && { modulusBits: MODULUS_BITS }) };
    const args = [JSON.stringify(wish)];
    const command = sandboxed(level, {
      ...{ kind: 'enclave', node, filter, files: [bundle], args, inherited: 1, dataBytes: DATA_BYTES },
    });
    const inside: FunctionTimes[] = [];
    const plain: FunctionTimes[] = [];
    for (let round = 0; round < rounds; round += 1) {
      inside.push(await timesOf(startSandboxed(command, ['ignore', 'ignore', 'pipe', 'pipe'])));
      const stdio = ['ignore', 'ignore', 'pipe', 'pipe'] as const;
      plain.push(
        await timesOf(spawn(node.executable, [join(dist, 'five-functions.cjs'), ...args], { stdio: [...stdio] })),
      );
    }
    yield { scheme, inside: together(inside), plain: together(plain) };
  }
}

async function timesOf(child: ReturnType<typeof spawn>): Promise<FunctionTimes> {
  const clock = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const [said, errors, [code, signal]] = await Promise.all([
    text(child.stdio[3] as Readable),
    text(child.stderr!),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ]);
  clearTimeout(clock);
  if (said === '') throw new Error(`No times (${signal ?? code}): ${errors.slice(0, 500)}`);
  return JSON.parse(said) as FunctionTimes;
}

const together = (rounds: readonly FunctionTimes[]): FunctionTimes =>
  Object.fromEntries(
    FUNCTIONS.map((what) => [what, rounds.flatMap((times) => times[what])]),
  ) as unknown as FunctionTimes;
