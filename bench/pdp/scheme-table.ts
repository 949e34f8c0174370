import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SchemeName } from '@cloister/pdp';
import { buildLibpdp, LIBPDP_FIGURES, type PeerBed, type PeerScheme } from './libpdp.ts';
import { opensslBytesPerSecond } from './openssl-speed.ts';
import { processorTime } from './processor-time.ts';
import { type Sizes, schemeBed, testFile } from './scheme-bed.ts';

export interface Case {
  readonly name: SchemeName;
  readonly blockBytes: number;
  readonly modulusBits?: number;
  /** Takes milliseconds a block, so that it has a shorter file and fewer rounds. */
  readonly slow?: true;
  readonly peer?: { readonly name: PeerScheme; readonly bits?: number };
  /** What of OpenSSL is the limit. */
  readonly openssl?: 'ghash' | 'sha256';
}

/** In seconds of CPU time: tagging for a block, the others for 460 blocks. One sample a round. */
export interface Samples {
  readonly tag: number[];
  readonly tagOfFile: number[];
  /** Beside OpenSSL's, which has one buffer. */
  readonly tagOfCache: number[];
  readonly prove: number[];
  readonly verify: number[];
  readonly verifyAsOwner: number[];
}

export type PeerSamples = Pick<Samples, 'tag' | 'prove' | 'verify'>;

export interface Measured extends Case {
  readonly ours: Samples;
  /** libpdp's, and whether they are of this run. */
  readonly theirs: PeerSamples | undefined;
  readonly peerIsOfThisRun: boolean;
  /** OpenSSL's, a block. */
  readonly limit: readonly number[];
  readonly sizes: Sizes;
}

const KIB = 1024;
const BLOCK_BYTES = 16 * KIB;
const FILE_BYTES = { fast: 64 * KIB * KIB, slow: 8 * KIB * KIB } as const;

/** Both lengths of RSA's moduli that are in use, and the one that libpdp has by default. */
const rsa = (name: SchemeName, bits: readonly number[], peer?: PeerScheme): readonly Case[] =>
  bits.map((modulusBits) => ({
    ...{ name, blockBytes: BLOCK_BYTES, modulusBits, slow: true },
    ...(peer !== undefined && { peer: { name: peer, bits: modulusBits } }),
  }));

export const CASES: readonly Case[] = [
  { name: 'mac-pdp', blockBytes: 4 * KIB, peer: { name: 'macpdp' }, openssl: 'sha256' },
  { name: 'mac-pdp', blockBytes: BLOCK_BYTES, peer: { name: 'macpdp' }, openssl: 'sha256' },
  { name: 'gmac-cpor', blockBytes: BLOCK_BYTES, openssl: 'ghash' },
  { name: 'gmac-cpor', blockBytes: 4 * BLOCK_BYTES, openssl: 'ghash' },
  { name: 'cpor-private', blockBytes: 4 * KIB, peer: { name: 'cpor', bits: 128 } },
  { name: 'cpor-private', blockBytes: BLOCK_BYTES, peer: { name: 'cpor', bits: 128 } },
  { name: 'sha256-merkle', blockBytes: BLOCK_BYTES, openssl: 'sha256' },
  { name: 'sepdp', blockBytes: BLOCK_BYTES, slow: true, peer: { name: 'sepdp' } },
  { name: 'sepdp-dynamic', blockBytes: BLOCK_BYTES, slow: true },
  ...rsa('a-pdp', [1024, 2048, 3072], 'apdp'),
  ...rsa('e-pdp', [1024, 2048, 3072], 'epdp'),
  ...rsa('mr-pdp', [2048, 3072]),
  ...rsa('dpdp', [2048, 3072]),
  ...rsa('flex-dpdp', [2048, 3072]),
  ...(['cpor-public', 'dht-pa', 'mht-pa', 'pppas'] as const).map(
    (name) => ({ name, blockBytes: BLOCK_BYTES, slow: true }) as const,
  ),
];

/** Each case, ours and its peers one after the other in each round. */
export async function* measureSchemes(rounds: {
  readonly fast: number;
  readonly slow: number;
}): AsyncGenerator<Measured, void, undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-bench-pdp-'));
  try {
    const startPeer = buildLibpdp(folder);
    for (const each of CASES) {
      const { name, blockBytes, modulusBits, slow, peer: wish, openssl } = each;
      const path = join(folder, 'file');
      const data = testFile(path, FILE_BYTES[slow === true ? 'slow' : 'fast']);
      const bed = await schemeBed({ name, blockBytes, path, data, modulusBits });
      const peer = wish && (await startPeer?.({ ...wish, blockBytes, path }));
      try {
        yield await measure(each, bed, peer, openssl, slow === true ? rounds.slow : rounds.fast);
      } finally {
        peer?.close();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  of: Case,
  bed: Awaited<ReturnType<typeof schemeBed>>,
  peer: PeerBed | undefined,
  openssl: Case['openssl'],
  rounds: number,
): Promise<Measured> {
  const ours: Samples = { tag: [], tagOfFile: [], tagOfCache: [], prove: [], verify: [], verifyAsOwner: [] };
  const peers: PeerSamples = { tag: [], prove: [], verify: [] };
  const limit: number[] = [];
  // What is compiled when it is first run, and tables that a key keeps, are no part of it.
  for (const run of [() => bed.tag('memory'), bed.prove, bed.verify])
    for (let spent = 0; spent < WARM_SECONDS; ) spent += await processorTime(run);
  for (let round = 0; round < rounds; round += 1) {
    ours.tag.push((await bed.tag('memory')) / bed.blocks);
    if (of.slow !== true) ours.tagOfFile.push((await bed.tag('file')) / bed.blocks);
    if (peer !== undefined) peers.tag.push((await peer.tag()) / bed.blocks);
    if (openssl !== undefined && round < OPENSSL_ROUNDS) {
      const speed = opensslBytesPerSecond(openssl, of.blockBytes);
      if (speed !== undefined) limit.push(of.blockBytes / speed);
      ours.tagOfCache.push((await bed.tag('cache')) / bed.blocks);
    }
    ours.prove.push(await bed.prove());
    if (peer !== undefined) peers.prove.push(await peer.prove());
    ours.verify.push(await bed.verify());
    if (peer !== undefined) peers.verify.push(await peer.verify());
    if (bed.isPublic) ours.verifyAsOwner.push(await bed.verifyAsOwner());
  }
  const known = of.peer && figures(of.peer, of.blockBytes);
  return {
    ...of,
    ours,
    theirs: peer === undefined ? known : peers,
    peerIsOfThisRun: peer !== undefined,
    limit,
    sizes: bed.sizes(),
  };
}

/** After which Node has compiled what it will. */
const WARM_SECONDS = 1;
/** `openssl speed` takes a second each time. */
const OPENSSL_ROUNDS = 3;

function figures({ name, bits }: NonNullable<Case['peer']>, blockBytes: number): PeerSamples | undefined {
  const found = LIBPDP_FIGURES[[name, blockBytes, ...(bits === undefined ? [] : [bits])].join(' ')];
  return (
    found && {
      tag: found.tag === 0 ? [] : [found.tag / 1e6],
      prove: [found.prove / 1e6],
      verify: [found.verify / 1e6],
    }
  );
}
