import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { nodePrimitives } from '@cloister/crypto';
import {
  blockCount,
  type Challenge,
  type DynamicScheme,
  describeFile,
  type KeyPair,
  type ReplicaScheme,
  SCHEMES,
  type Scheme,
  type SchemeName,
} from '@cloister/pdp';
import { withFixedPrimes } from '../../packages/audit/pdp/src/testing/fixed-primes.ts';
import { type MemoryFile, memoryFile } from '../../packages/audit/pdp/src/testing/memory-file.ts';
import { meanProcessorTime, processorTime } from './processor-time.ts';

/** Finds a loss of 1 % with 99 % (Ateniese et al., CCS 2007, section 4). */
export const ASKED = 460;
const PIECE_BYTES = 2 ** 20;
/** Less than a core's own cache has. */
const CACHED_BYTES = 512 * 1024;

export interface Sizes {
  /** Of one block, or of a token for a scheme that has those. */
  readonly tagBytes: number;
  readonly proofBytes: number;
  readonly fileTagBytes: number;
  readonly secretKeyBytes: number;
  readonly publicKeyBytes: number;
  /** Of the authenticated structure, a block. */
  readonly structureBytes?: number;
}

/** A scheme at work on one file, with one key; each function tells the CPU seconds that it took. */
export interface SchemeBed {
  readonly blocks: number;
  /** Anybody can verify it. */
  readonly isPublic: boolean;
  /** What comes from the file, from memory, or from the processor's cache, being one piece again and again. */
  tag(from: 'file' | 'memory' | 'cache'): Promise<number>;
  prove(): Promise<number>;
  /** With the key that a scheme's verifier has: the public one, where that is enough. */
  verify(): Promise<number>;
  /** With the owner's key, for a scheme that needs it not. */
  verifyAsOwner(): Promise<number>;
  sizes(): Sizes;
}

export interface BedWish {
  readonly name: SchemeName;
  readonly blockBytes: number;
  readonly path: string;
  readonly data: Uint8Array;
  readonly modulusBits?: number | undefined;
}

/** Of a scheme whose keys hold a modulus, the primes are always the same ones. */
export async function schemeBed({ name, blockBytes, path, data, modulusBits }: BedWish): Promise<SchemeBed> {
  const primitives = withFixedPrimes(nodePrimitives);
  const scheme: Scheme = SCHEMES[name](primitives);
  const { facts } = scheme;
  const keys: KeyPair = await scheme.keyGen({
    blockBytes,
    ...(modulusBits !== undefined && { modulusBits }),
    insecure: true,
  });
  const verifying = facts.verification === 'public' ? keys.public : keys.secret;
  const selection = facts.selections.includes('token')
    ? ({ kind: 'token', token: 0 } as const)
    : ({ kind: 'sample', count: ASKED } as const);

  const file = describeFile(primitives, { scheme: name, version: 1, blockBytes, length: data.length });
  const blocks = blockCount(file);
  let stored: MemoryFile | undefined;
  let answered: { readonly challenge: Challenge; readonly proof: Uint8Array } | undefined;

  const sources = {
    file: () => piecesOfFile(path),
    memory: () => piecesOf(data),
    cache: () => onePiece(data.subarray(0, CACHED_BYTES), data.length),
  };
  async function tagOnce(source: () => AsyncIterable<Uint8Array>): Promise<number> {
    const tags: Uint8Array[] = [];
    let fileTag: Uint8Array | undefined;
    const took = await processorTime(async () => {
      fileTag = await scheme.tag(keys.secret, {
        file,
        source: source(),
        out: { write: (some) => void tags.push(some.slice()) },
      });
    });
    stored ??= await storedBy(fileTag!, Buffer.concat(tags));
    return took;
  }
  /** What a server has: a copy of its own for MR-PDP, the structure for a scheme that has one. */
  async function storedBy(fileTag: Uint8Array, tagBytes: Uint8Array): Promise<MemoryFile> {
    if (!('replica' in scheme)) {
      const kept = memoryFile(file, data, tagBytes, fileTag);
      if (facts.data === 'dynamic') await (scheme as DynamicScheme).build(keys.public, kept);
      return kept;
    }
    const replicas = scheme as ReplicaScheme;
    const pieces: Uint8Array[] = [];
    for await (const piece of replicas.replica(keys.secret, file, 0, piecesOf(data))) pieces.push(piece);
    return memoryFile(file, Buffer.concat(pieces), tagBytes, fileTag, replicas.replicaBlockBytes(file));
  }
  async function verifyWith(key: Uint8Array): Promise<number> {
    const { challenge, proof } = answered!;
    return meanProcessorTime(async () => {
      const verdict = await scheme.verify(key, stored!.fileTag, challenge, proof);
      if (!verdict.accepted) throw new Error(`${name} does not accept a right proof: ${verdict.reason}`);
    });
  }

  return {
    blocks,
    isPublic: facts.verification === 'public',
    tag: (from) => tagOnce(sources[from]),
    async prove() {
      const challenge = await scheme.challenge(verifying, stored!.fileTag, selection);
      return meanProcessorTime(async () => {
        const proof = await scheme.proof(keys.public, stored!, challenge.message);
        if (proof === undefined) throw new Error(`${name} makes no proof`);
        answered = { challenge, proof };
      });
    },
    verify: () => verifyWith(verifying),
    verifyAsOwner: () => verifyWith(keys.secret),
    sizes() {
      const { tagBytes, fileTag, nodes } = stored!;
      const perBlock = scheme.blockTags?.size(file, keys.public);
      const structure = nodes.records.reduce((sum, record) => sum + record.length, 0);
      return {
        tagBytes: perBlock ?? Math.round(tagBytes.length / (name === 'sepdp' ? TOKENS : blocks)),
        proofBytes: answered!.proof.length,
        fileTagBytes: fileTag.length,
        secretKeyBytes: keys.secret.length,
        publicKeyBytes: keys.public.length,
        ...(structure > 0 && { structureBytes: Math.round(structure / blocks) }),
      };
    },
  };
}

/** Of SEPDP, unless told otherwise; its dynamic form has a counter a block, and its tokens in the file tag. */
const TOKENS = 365;

/** So many random bytes, and a file of them. */
export function testFile(path: string, length: number): Uint8Array {
  const data = nodePrimitives.random(length);
  writeFileSync(path, data);
  return data;
}

async function* piecesOf(data: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += PIECE_BYTES) yield data.subarray(at, at + PIECE_BYTES);
}

async function* onePiece(piece: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += piece.length) yield piece;
}

async function* piecesOfFile(path: string): AsyncGenerator<Uint8Array> {
  const file = openSync(path, 'r');
  const piece = new Uint8Array(PIECE_BYTES);
  try {
    for (let length = readSync(file, piece); length > 0; length = readSync(file, piece))
      yield piece.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
