import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nodePrimitives } from '@cloister/crypto';
import { withFixedPrimes } from '../../packages/audit/pdp/src/testing/fixed-primes.ts';
import { ASKED } from './scheme-bed.ts';

export type PeerScheme = 'macpdp' | 'apdp' | 'epdp' | 'cpor' | 'sepdp';

/** libpdp at work on one file; each function tells the CPU seconds that it took. */
export interface PeerBed {
  tag(): Promise<number>;
  prove(): Promise<number>;
  verify(): Promise<number>;
  close(): void;
}

export interface PeerWish {
  readonly name: PeerScheme;
  readonly blockBytes: number;
  readonly path: string;
  /** Of an RSA modulus, which is made of the primes that `SchemeBed` has, or of CPOR's field. */
  readonly bits?: number | undefined;
}

/** The parts that are compiled: neither its key files, nor S3, nor MR-PDP, which it has as a stub. */
const PARTS = ['macpdp', 'apdp', 'cpor', 'sepdp'] as const;
const isUsed = (file: string): boolean =>
  file.endsWith('.c') && !/^(apdp_key|cpor_key|pdp_generic|pdp_s3)\.c$/.test(file);
const BUILD_MS = 120_000;

/**
 * Compiles libpdp with our driver (`bench/peers/libpdp`) in `folder`, from where CLOISTER_LIBPDP says that its sources lie:
 * its directory with `inc/` and `src/`. It takes gcc and OpenSSL's headers. With -O2, where its own Makefile has no optimisation.
 * @returns what starts it, or undefined if there are no sources
 */
export function buildLibpdp(folder: string): ((wish: PeerWish) => Promise<PeerBed>) | undefined {
  const root = process.env.CLOISTER_LIBPDP;
  if (root === undefined) return undefined;
  const sources = join(root, 'src');
  if (!existsSync(join(sources, 'apdp'))) throw new Error(`CLOISTER_LIBPDP: no libpdp in "${root}"`);
  const files = ['.', ...PARTS].flatMap((part) =>
    readdirSync(join(sources, part))
      .filter(isUsed)
      .map((file) => join(sources, part, file)),
  );
  const program = join(folder, 'libpdp-driver');
  const includes = [join(root, 'inc'), sources, ...PARTS.map((part) => join(sources, part))].map((path) => `-I${path}`);
  const ours = 'bench/peers/libpdp';
  const args = ['-O2', '-w', '-std=gnu11', '-include', `${ours}/compat.h`, ...includes, '-o', program];
  execFileSync('gcc', [...args, `${ours}/driver.c`, ...files, '-lcrypto'], { timeout: BUILD_MS });
  return (wish) => start(program, wish, join(folder, 'libpdp-tags'));
}

async function start(program: string, { name, blockBytes, path, bits }: PeerWish, tags: string): Promise<PeerBed> {
  const settings: string[] = [];
  if (name === 'cpor') settings.push(String(bits));
  if (name === 'apdp' || name === 'epdp') {
    const { prime } = withFixedPrimes(nodePrimitives);
    for (let at = 0; at < 2; at += 1) settings.push(Buffer.from(await prime(bits! / 2, 'safe')).toString('hex'));
  }
  const child = spawn(program, [name, String(blockBytes), String(ASKED), path, tags, ...settings], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function run(command: string): Promise<number> {
    child.stdin.write(`${command}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`libpdp's ${name} ended`);
    return Number(value);
  }
  return {
    tag: () => run('tag'),
    prove: () => run('prove'),
    verify: () => run('verify'),
    close: () => void child.kill('SIGKILL'),
  };
}

/**
 * Measured once on this kind of machine (2 shared cores, OpenSSL 3, CPU time, medians), for where libpdp is not built beside
 * the bench: microseconds to tag a block, and to prove and verify 460 of them.
 */
export const LIBPDP_FIGURES: Readonly<
  Record<string, { readonly tag: number; readonly prove: number; readonly verify: number }>
> = {
  'macpdp 4096': { tag: 5.7, prove: 2600, verify: 1500 },
  'macpdp 16384': { tag: 14.2, prove: 7700, verify: 4400 },
  'cpor 4096 128': { tag: 95, prove: 42_000, verify: 1300 },
  'cpor 16384 128': { tag: 254, prove: 117_000, verify: 1100 },
  'sepdp 16384': { tag: 0, prove: 7100, verify: 50 },
  'apdp 16384 1024': { tag: 862, prove: 119_000, verify: 35_000 },
  'apdp 16384 2048': { tag: 3866, prove: 306_000, verify: 83_000 },
  'epdp 16384 1024': { tag: 780, prove: 74_000, verify: 3300 },
  'epdp 16384 2048': { tag: 3866, prove: 253_000, verify: 7800 },
};
