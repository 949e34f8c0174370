import { type Bench, compared, type Measurement, reached, reported, within } from './measurement.ts';
import { ASKED } from './pdp/scheme-bed.ts';
import { type Measured, measureSchemes } from './pdp/scheme-table.ts';

const BENCH = 'pdp';
const ROUNDS = { quick: { fast: 3, slow: 1 }, whole: { fast: 9, slow: 3 } } as const;
const us = (seconds: readonly number[]): readonly number[] => seconds.map((value) => 1e6 * value);
const ms = (seconds: readonly number[]): readonly number[] => seconds.map((value) => 1000 * value);

/**
 * Provable data possession: each scheme's functions in seconds of CPU time, beside libpdp, which is built in the same run if
 * CLOISTER_LIBPDP says where its sources lie (`bench/pdp/libpdp.ts`), and beside `openssl speed`.
 */
export const pdpBench: Bench = async ({ quick }) => {
  const found: Measurement[] = [];
  for await (const measured of measureSchemes(ROUNDS[quick ? 'quick' : 'whole'])) found.push(...schemeGoals(measured));
  return found;
};

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
            ? compared(BENCH, `${of}: tag, us a block (openssl speed ghash)`, us(ours.tag), us(limit), 2)
            : reported(BENCH, `${of}: tag, us a block (openssl speed)`, us(ours.tag), us(limit)),
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
