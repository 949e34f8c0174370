import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { nodePrimitives } from '@cloister/crypto';
import { type DynamicScheme, describeFile, type ReplicaScheme, SCHEMES } from '@cloister/pdp';
import { withFixedPrimes } from '../../packages/audit/pdp/src/testing/fixed-primes.ts';
import { memoryFile } from '../../packages/audit/pdp/src/testing/memory-file.ts';
import type { FunctionName, FunctionTimes, FunctionWish } from './enclave-functions.ts';

// A scheme's five functions on one file in memory, in whatever process this is: descriptor 3 is the way to tell.
async function main(): Promise<void> {
  const {
    scheme: name,
    blockBytes,
    blocks,
    count,
    modulusBits,
    leastMs,
    rounds,
  } = JSON.parse(process.argv.at(-1)!) as FunctionWish;

  const primitives = withFixedPrimes(nodePrimitives);
  const scheme = SCHEMES[name](primitives);
  const data = primitives.random(blocks * blockBytes);
  const keyGen = () => scheme.keyGen({ blockBytes, ...(modulusBits !== undefined && { modulusBits }), insecure: true });
  async function* source(): AsyncGenerator<Uint8Array> {
    yield data;
  }
  const keys = await keyGen();
  const file = describeFile(primitives, { scheme: name, version: 1, blockBytes, length: data.length });
  const verifying = scheme.facts.verification === 'public' ? keys.public : keys.secret;
  const selection = scheme.facts.selections.includes('token')
    ? ({ kind: 'token', token: 0 } as const)
    : ({ kind: 'sample', count } as const);

  const pieces: Uint8Array[] = [];
  const tag = (out: (piece: Uint8Array) => void) =>
    scheme.tag(keys.secret, { file, source: source(), out: { write: out } });
  const fileTag = await tag((piece) => pieces.push(piece.slice()));
  let held: Uint8Array = data;
  let heldBlockBytes: number | undefined;
  if ('replica' in scheme) {
    const replicas = scheme as ReplicaScheme;
    const parts: Uint8Array[] = [];
    for await (const part of replicas.replica(keys.secret, file, 0, source())) parts.push(part);
    [held, heldBlockBytes] = [Buffer.concat(parts), replicas.replicaBlockBytes(file)];
  }
  const stored = memoryFile(file, held, Buffer.concat(pieces), fileTag, heldBlockBytes);
  if (scheme.facts.data === 'dynamic') await (scheme as DynamicScheme).build(keys.public, stored);
  const challenge = await scheme.challenge(verifying, fileTag, selection);
  const proof = (await scheme.proof(keys.public, stored, challenge.message))!;

  const work: Readonly<Record<FunctionName, () => unknown>> = {
    KeyGen: keyGen,
    Tag: () => tag(() => undefined),
    Challenge: () => scheme.challenge(verifying, fileTag, selection),
    Proof: () => scheme.proof(keys.public, stored, challenge.message),
    async Verify() {
      const verdict = await scheme.verify(verifying, fileTag, challenge, proof);
      if (!verdict.accepted) throw new Error(`${name} does not accept a right proof: ${verdict.reason}`);
    },
  };
  const times: Record<string, number[]> = {};
  for (const [what, run] of Object.entries(work)) {
    const samples: number[] = [];
    // What is compiled when it is first run is no part of it.
    for (let round = -1; round < rounds; round += 1) {
      const from = performance.now();
      let runs = 0;
      for (; runs === 0 || performance.now() - from < leastMs; runs += 1) await run();
      if (round >= 0) samples.push((performance.now() - from) / runs);
    }
    times[what] = samples;
  }
  writeSync(3, JSON.stringify(times as unknown as FunctionTimes));
}

void main().then(() => process.exit(0));
