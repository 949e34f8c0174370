import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, compared, type Measurement, reached, reported, within } from './measurement.ts';
import { compareFunctions, FUNCTIONS } from './pdp/enclave-functions.ts';
import { enclaveWork, type Spent } from './pdp/enclave-work.ts';
import { firstVerdict } from './pdp/first-verdict.ts';
import { opensslRsaSeconds } from './pdp/openssl-speed.ts';
import { ASKED } from './pdp/scheme-bed.ts';
import { type Measured, measureSchemes } from './pdp/scheme-table.ts';
import { tagMemory } from './pdp/tag-memory.ts';

const BENCH = 'pdp';
const ROUNDS = { quick: { fast: 3, slow: 1 }, whole: { fast: 7, slow: 2 } } as const;
const us = (seconds: readonly number[]): readonly number[] => seconds.map((value) => 1e6 * value);
const ms = (seconds: readonly number[]): readonly number[] => seconds.map((value) => 1000 * value);

/**
 * Provable data possession: each scheme's functions in seconds of CPU time, beside libpdp, which is built in the same run if
 * CLOISTER_LIBPDP says where its sources lie (`bench/pdp/libpdp.ts`), and beside `openssl speed`.
 */
export const pdpBench: Bench = async ({ quick }) => {
  const found: Measurement[] = [];
  for await (const measured of measurePdp(quick)) found.push(...schemeGoals(measured));
  return [...found, ...(await systemGoals(quick))];
};

export const measurePdp = (quick: boolean): AsyncGenerator<Measured, void, undefined> =>
  measureSchemes(ROUNDS[quick ? 'quick' : 'whole']);

/** What is measured of the whole: through an enclave, from a command line, and in memory. */
export async function systemGoals(quick: boolean): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-bench-pdp-'));
  const { CLOISTER_HOME, CLOISTER_RUNTIME_DIR } = process.env;
  process.env.CLOISTER_HOME = join(folder, 'home');
  process.env.CLOISTER_RUNTIME_DIR = join(folder, 'runtime');
  try {
    return [
      ...(await memoryGoals(quick)),
      ...(await enclaveGoals(quick)),
      ...(await functionReports(quick)),
      ...(await verdictGoal(folder)),
      ...[2048, 3072].flatMap((bits) => {
        const seconds = opensslRsaSeconds(bits);
        return seconds === undefined
          ? []
          : [reported(BENCH, `openssl speed rsa${bits}: private operation, us`, [1e6 * seconds])];
      }),
    ];
  } finally {
    for (const [name, value] of Object.entries({ CLOISTER_HOME, CLOISTER_RUNTIME_DIR }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function memoryGoals(quick: boolean): Promise<readonly Measurement[]> {
  const most = quick ? 4 : 64;
  const found: Measurement[] = [];
  for (const name of ['gmac-cpor', 'mac-pdp', 'cpor-private'] as const) {
    const [less, more] = [await tagMemory(name, GIB), await tagMemory(name, (name === 'gmac-cpor' ? most : 4) * GIB)];
    const of = `${name}: memory to tag ${name === 'gmac-cpor' ? most : 4} GiB, MiB more than to tag 1 GiB`;
    found.push(within(BENCH, of, [more - less], MEMORY_MIB));
  }
  return found;
}

async function enclaveGoals(quick: boolean): Promise<readonly Measurement[]> {
  const found: Measurement[] = [];
  for (const scheme of ['gmac-cpor', 'mac-pdp', 'cpor-private']) {
    const bytes = scheme === 'gmac-cpor' ? GIB : GIB / 4;
    const inside: Awaited<ReturnType<typeof enclaveWork>>[] = [];
    const here: typeof inside = [];
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      inside.push(await enclaveWork(scheme, bytes, 'compartment'));
      here.push(await enclaveWork(scheme, bytes, 'here'));
    }
    const all = ({ enclave, client }: Spent): number => enclave + client;
    const rate = inside.map(({ tag }) => bytes / tag.enclave / 1e6);
    const metric = `${scheme} through the enclave, ${bytes / GIB} GiB: tag, MB/s of the enclave's CPU time`;
    found.push(
      scheme === 'gmac-cpor' ? reached(BENCH, metric, rate, 500) : reported(BENCH, metric, rate),
      reported(
        BENCH,
        `${scheme} through the enclave: tag, MB/s of the client's CPU time`,
        inside.map(({ tag }) => bytes / tag.client / 1e6),
      ),
    );
    for (const [what, job] of [
      ['KeyGen', 'keyGen'],
      ['Tag', 'tag'],
      [`an audit of ${ASKED} blocks (Challenge, reads, Verify, receipt, state)`, 'audit'],
    ] as const)
      found.push(
        reported(
          BENCH,
          `${scheme} in the enclave, against in one process: ${what}, CPU ms of both sides`,
          ms(inside.map((work) => all(work[job]))),
          ms(here.map((work) => all(work[job]))),
        ),
      );
  }
  return found;
}

/** The five functions of every scheme, in the enclave's sandbox and without one. */
export async function functionReports(quick: boolean): Promise<readonly Measurement[]> {
  const found: Measurement[] = [];
  for await (const { scheme, inside, plain } of compareFunctions(quick ? 1 : 5))
    for (const what of FUNCTIONS)
      found.push(
        reported(BENCH, `${scheme}: ${what} in the enclave's sandbox, against without, ms`, inside[what], plain[what]),
      );
  return found;
}

async function verdictGoal(folder: string): Promise<readonly Measurement[]> {
  const { add, run } = await firstVerdict(folder, GIB);
  return [
    within(BENCH, 'audit add && audit run on 1 GiB, wall seconds', [add + run], 10),
    reported(BENCH, 'audit run of it, wall seconds', [run]),
  ];
}

const GIB = 2 ** 30;
/** The tags of the difference alone would take more at 64 GiB, and its bytes at 4 GiB. */
const MEMORY_MIB = 48;

/** What a case promises, and the rest of it as reports. */
export function schemeGoals(measured: Measured): readonly Measurement[] {
  const { name, blockBytes, modulusBits, ours, theirs, peerIsOfThisRun, limit, sizes } = measured;
  const of = [name, ...(modulusBits === undefined ? [] : [`${modulusBits} bits`]), `${blockBytes / 1024} KiB`].join(
    ', ',
  );
  const peer = theirs === undefined ? '' : peerIsOfThisRun ? ' (libpdp)' : " (libpdp's figure of another run)";
  const against = (what: string, mine: readonly number[], its: readonly number[] | undefined, most?: number) => {
    const metric = `${of}: ${what}`;
    if (its === undefined || its.length === 0) return reported(BENCH, metric, mine);
    return most === undefined
      ? reported(BENCH, metric + peer, mine, its)
      : compared(BENCH, metric + peer, mine, its, most);
  };
  const at16 = blockBytes === 16 * 1024;
  const rates = ours.tag.map((seconds) => blockBytes / seconds / 1e6);
  const tag = us(ours.tagOfFile.length === 0 ? ours.tag : ours.tagOfFile);
  const tagGoal = TAG_AS_FAST_AS_LIBPDP[name];

  const tagging =
    at16 && TAG_MB[name] !== undefined
      ? reached(BENCH, `${of}: tag, MB/s`, rates, TAG_MB[name])
      : reported(BENCH, `${of}: tag, MB/s`, rates);
  const verifying = `${of}: verify ${ASKED} blocks, ms`;
  return [
    tagging,
    ...(limit.length === 0
      ? []
      : [
          name === 'gmac-cpor' && at16
            ? compared(BENCH, `${of}: tag, us a block (openssl speed ghash)`, us(ours.tagOfCache), us(limit), 2)
            : reported(BENCH, `${of}: tag, us a block (openssl speed)`, us(ours.tagOfCache), us(limit)),
        ]),
    ...(theirs === undefined || theirs.tag.length === 0
      ? []
      : [against('tag, us a block', tag, us(theirs.tag), tagGoal)]),
    against(`prove ${ASKED} blocks, ms`, ms(ours.prove), theirs && ms(theirs.prove)),
    ...(at16 && VERIFY_MS[name] !== undefined ? [within(BENCH, verifying, ms(ours.verify), VERIFY_MS[name])] : []),
    against(
      `verify ${ASKED} blocks, ms`,
      ms(ours.verify),
      theirs && ms(theirs.verify),
      modulusBits === undefined ? undefined : 1,
    ),
    ...(ours.verifyAsOwner.length === 0
      ? []
      : [reported(BENCH, `${of}: verify ${ASKED} blocks with the owner's key, ms`, ms(ours.verifyAsOwner))]),
    ...Object.entries(sizes).map(([what, bytes]) => reported(BENCH, `${of}: ${what}`, [bytes])),
  ];
}

/** Megabytes a second of CPU time, at least. */
const TAG_MB: Readonly<Record<string, number>> = { 'gmac-cpor': 1000, 'cpor-public': 10 };
/** Times libpdp's time, at most; MAC-PDP hashes with SHA-256 where libpdp has SHA-1. */
const TAG_AS_FAST_AS_LIBPDP: Readonly<Record<string, number>> = { 'mac-pdp': 1 / 0.9, 'a-pdp': 1, 'cpor-private': 1 };
const VERIFY_MS: Readonly<Record<string, number>> = {
  'mac-pdp': 10,
  'gmac-cpor': 10,
  'cpor-private': 10,
  sepdp: 10,
  'cpor-public': 350,
};
