import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { nodePrimitives } from '@cloister/crypto';
import { writeAtomically } from '@cloister/files';
import {
  blocksAsked,
  type DynamicScheme,
  decodeChallenge,
  describeFile,
  encodeChallenge,
  type KeyOptions,
  PdpError,
  type PdpErrorCode,
  type ReplicaScheme,
  SCHEMES,
  type Scheme,
  type SchemeFacts,
  type Selection,
  type StoredFile,
  type Verdict,
} from '@cloister/pdp';
import { keyScheme, openStored, type StoredPlace, schemeNamed } from '@cloister/prover';
import { fail, type RunErrorCode } from './failure.ts';

/** Where the steps leave and find things beside a file. */
export const STEP_FILES = {
  tags: '.tags',
  /** The file tag: Shacham and Waters' tau. */
  fileTag: '.tau',
  /** The authenticated structure of a dynamic scheme. */
  nodes: '.nodes',
  /** A copy as its store keeps it, for a scheme of several copies. */
  replica: '.replica',
  secretKey: '.secret',
  publicKey: '.public',
  /** What the prover is asked, and what its verifier keeps to himself. */
  challenge: '.challenge',
  asked: '.asked',
  proof: '.proof',
} as const;

/** Keys, file tags and challenges: what is longer is none. */
const RECORD_BYTES_MAX = 32 * 1024 * 1024;
const PROOF_BYTES_MAX = 1024 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

const CODES: Readonly<Record<PdpErrorCode, RunErrorCode>> = {
  key: 'bad-key',
  parameter: 'bad-parameter',
  'file-tag': 'bad-file-tag',
  length: 'bad-file',
  selection: 'bad-selection',
  structure: 'bad-file',
};

export type Progress = (done: number, of: number) => void;

/** What is known of every scheme, by name. */
export const schemeFacts = (): readonly SchemeFacts[] =>
  Object.values(SCHEMES)
    .map((scheme) => scheme(nodePrimitives).facts)
    .sort((one, other) => (one.name < other.name ? -1 : 1));

/**
 * KeyGen: a key pair as two CBOR files. None is replaced: what a lost secret key has tagged, nobody verifies again.
 * @throws CloisterError
 */
export async function generateKeys(
  name: string,
  prefix: string,
  options: KeyOptions,
): Promise<{ readonly secret: string; readonly public: string }> {
  const scheme = schemeNamed(nodePrimitives, name);
  if (scheme === undefined)
    return fail('bad-parameter', `There is no scheme "${name}"`, { hint: 'See "cloister audit schemes"' });
  const paths = { secret: `${prefix}${STEP_FILES.secretKey}`, public: `${prefix}${STEP_FILES.publicKey}` };
  for (const path of Object.values(paths))
    if ((await stat(path).catch(() => undefined)) !== undefined)
      fail('bad-file', `"${path}" is there already`, { hint: 'Give another name with --out, or remove it yourself' });
  const keys = await ofPdp(() => scheme.keyGen(options));
  for (const which of ['secret', 'public'] as const)
    await written(paths[which], () =>
      writeFile(paths[which], keys[which], { flag: 'wx', mode: which === 'secret' ? 0o600 : 0o644 }),
    );
  return paths;
}

export interface TagStep {
  readonly secretKey: string;
  readonly file: string;
  readonly blockBytes: number;
  /** For a dynamic scheme: its structure is the prover's to make, from what a prover has. */
  readonly publicKey?: string | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * Tag: a new session of a file, under a salt of its own. Leaves its tags, its file tag, and what else the scheme's prover needs.
 * @returns the files that it has written
 * @throws CloisterError
 */
export async function tagFile({ secretKey, file, blockBytes, publicKey, progress }: TagStep): Promise<string[]> {
  const { key, scheme } = await keyFile(secretKey);
  const isDynamic = scheme.facts.data === 'dynamic';
  if (isDynamic && publicKey === undefined)
    fail('bad-parameter', `The scheme "${scheme.facts.name}" needs the public key too`, { hint: 'Give --public FILE' });
  const facts = await stat(file).catch((error) => unreadable(file, error));
  if (!facts.isFile()) fail('bad-file', `"${file}" is no file`);
  const description = await ofPdp(async () =>
    describeFile(nodePrimitives, { scheme: scheme.facts.name, version: 0, blockBytes, length: facts.size }),
  );
  const at = (which: keyof typeof STEP_FILES): string => `${file}${STEP_FILES[which]}`;
  const out: string[] = [];

  // Beside their places, then renamed: of an interrupted one the tags of before stay, with their file tag.
  const tagged = await whole(at('tags'), (tags) =>
    ofPdp(() =>
      scheme.tag(key, {
        file: description,
        source: piecesOf(file, progress, facts.size),
        out: { write: async (bytes) => void (await written(at('tags'), () => tags.write(bytes))) },
      }),
    ),
  );
  out.push(at('tags'));
  const replica = (scheme as Partial<ReplicaScheme>).replica;
  if (replica !== undefined) {
    await whole(at('replica'), async (copy) => {
      const pieces = replica(key, description, 0, piecesOf(file, progress, facts.size));
      await ofPdp(async () => {
        for await (const piece of pieces) await written(at('replica'), () => copy.write(piece));
      });
    });
    out.push(at('replica'));
  }
  await whole(at('fileTag'), (tau) => tau.writeFile(tagged));
  out.push(at('fileTag'));
  if (isDynamic) {
    await buildStructure(at('nodes'), publicKey!, {
      ...{ data: file, tags: at('tags'), nodes: at('nodes'), fileTag: tagged },
    });
    out.push(at('nodes'));
  }
  return out;
}

async function buildStructure(path: string, publicKey: string, place: StoredPlace): Promise<void> {
  const key = await recordFile(publicKey);
  const stored = await openStored(nodePrimitives, place, 'w+').catch((error) => unreadable(path, error));
  try {
    await ofPdp(() => (stored!.scheme as DynamicScheme).build(key, stored!));
    await stored!.nodes!.flush();
  } finally {
    await stored?.close();
  }
}

/**
 * Challenge: leaves what the prover gets, and what the verifier keeps until he has the proof.
 * @param key the secret key's file, or the public one's where anybody verifies
 * @throws CloisterError
 */
export async function makeChallenge(
  key: string,
  fileTag: string,
  selection: Selection,
  prefix: string,
): Promise<{ readonly challenge: string; readonly asked: string }> {
  const opened = await keyFile(key);
  const challenge = await ofPdp(async () => opened.scheme.challenge(opened.key, await recordFile(fileTag), selection));
  const paths = { challenge: `${prefix}${STEP_FILES.challenge}`, asked: `${prefix}${STEP_FILES.asked}` };
  await written(paths.asked, () => writeAtomically(paths.asked, encodeChallenge(challenge)));
  await whole(paths.challenge, (file) => file.writeFile(challenge.message));
  return paths;
}

/**
 * Proof, on the side that has the data, with no secret key.
 * @throws CloisterError `bad-challenge` for what is no challenge for this file
 */
export async function proveFile(
  publicKey: string,
  place: Omit<StoredPlace, 'fileTag'> & { readonly fileTag: string },
  challenge: string,
  out: string,
  progress?: Progress,
): Promise<void> {
  const key = await recordFile(publicKey);
  const message = await recordFile(challenge);
  const fileTag = await recordFile(place.fileTag);
  const nodes = place.nodes !== undefined && (await stat(place.nodes).catch(() => undefined)) ? place.nodes : undefined;
  const { nodes: _, ...rest } = place;
  const stored = await openStored(nodePrimitives, { ...rest, fileTag, ...(nodes && { nodes }) }).catch((error) =>
    unreadable(place.data, error),
  );
  if (stored === undefined) return fail('bad-file-tag', `"${place.fileTag}" is no file tag`);
  try {
    const of = (blocksAsked(message) ?? 0) * stored.file.blockBytes;
    let done = 0;
    const told: StoredFile = {
      ...stored,
      async block(index) {
        const block = await stored.block(index);
        done += block.length;
        progress?.(done, Math.max(done, Math.min(of, stored.file.length)));
        return block;
      },
    };
    const proof = await ofPdp(() => stored.scheme.proof(key, told, message));
    if (proof === undefined)
      fail('bad-challenge', `"${challenge}" is no challenge for "${place.data}" as it was tagged`);
    await whole(out, (file) => file.writeFile(proof!));
  } finally {
    await stored.close();
  }
}

/** Verify. @throws CloisterError for what is no key and no challenge; whatever the prover sent gets a verdict */
export async function verifyProof(key: string, fileTag: string, asked: string, proof: string): Promise<Verdict> {
  const opened = await keyFile(key);
  const challenge = decodeChallenge(await recordFile(asked));
  if (challenge === undefined)
    return fail('bad-challenge', `"${asked}" is not what a challenge's verifier keeps (FILE${STEP_FILES.asked})`);
  const [tag, answer] = [await recordFile(fileTag), await recordFile(proof, PROOF_BYTES_MAX)];
  return ofPdp(() => opened.scheme.verify(opened.key, tag, challenge, answer));
}

async function keyFile(path: string): Promise<{ readonly key: Uint8Array; readonly scheme: Scheme }> {
  const key = await recordFile(path);
  const name = keyScheme(key);
  const scheme = name === undefined ? undefined : schemeNamed(nodePrimitives, name);
  return scheme === undefined ? fail('bad-key', `"${path}" is no key`) : { key, scheme };
}

async function recordFile(path: string, most = RECORD_BYTES_MAX): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((error) => unreadable(path, error));
  try {
    const facts = await file.stat();
    if (!facts.isFile()) fail('bad-file', `"${path}" is no file`);
    if (facts.size > most) fail('bad-file', `"${path}" is too long (${facts.size} bytes)`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function* piecesOf(path: string, progress: Progress | undefined, of: number): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    yield piece as Buffer;
    done += (piece as Buffer).length;
    progress?.(done, of);
  }
}

/** A file that is there whole or as it was before. */
async function whole<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const temporary = `${path}.new`;
  try {
    const file = await open(temporary, 'w', 0o644).catch((error) => unwritable(path, error));
    let result: T;
    try {
      result = await work(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function ofPdp<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PdpError) return fail(CODES[error.code], error.message, { cause: error });
    throw error;
  }
}

const unreadable = (path: string, error: unknown): never =>
  fail('bad-file', `Cannot read "${path}" (${(error as Error).message})`, { cause: error });
const unwritable = (path: string, error: unknown): never =>
  fail('bad-file', `Cannot write "${path}" (${(error as Error).message})`, { cause: error });
const written = async <T>(path: string, work: () => Promise<T>): Promise<T> =>
  work().catch((error) => unwritable(path, error));
