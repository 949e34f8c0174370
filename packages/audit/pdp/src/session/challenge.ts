import type { Primitives } from '@cloister/crypto';
import { type Check, listOf, oneOf, record, text, whole } from '@cloister/protocol';
import { sampleIndices } from '../arithmetic/index-sampling.ts';
import { ascii, bytes, bytesUpTo, decodeRecord, encodeRecord } from '../encoding.ts';
import { PdpError } from '../pdp-error.ts';
import { blockCount, type FileDescription } from './file-description.ts';
import { type Keystream, keystream } from './keystream.ts';

export const SEED_BYTES = 32;
/** More indices than this are asked for as a range, or in several challenges. */
export const INDICES_MAX = 1 << 20;
/** Two elements of a group of 4096 bits are the longest that a scheme adds. */
const EXTRA_BYTES_MAX = 1024;

/** Which blocks a challenge asks for. */
export type Selection =
  /** So many different ones, drawn from the seed; all there are if there are fewer. */
  | { readonly kind: 'sample'; readonly count: number }
  /** These, in ascending order. */
  | { readonly kind: 'list'; readonly indices: readonly number[] }
  | { readonly kind: 'range'; readonly first: number; readonly count: number }
  /** Those that were chosen when token number `token` was made (SEPDP). */
  | { readonly kind: 'token'; readonly token: number };

/** A challenge as its verifier keeps it. */
export interface Challenge {
  /** 32 unpredictable bytes. What the prover is told of them is in `message`. */
  readonly seed: Uint8Array;
  readonly selection: Selection;
  /** What goes to the prover. */
  readonly message: Uint8Array;
}

const index = whole(Number.MAX_SAFE_INTEGER);
const SELECTIONS: readonly Check<Selection>[] = [
  record({ kind: oneOf('sample'), count: index }),
  record({ kind: oneOf('list'), indices: listOf(index, INDICES_MAX) }),
  record({ kind: oneOf('range'), first: index, count: index }),
  record({ kind: oneOf('token'), token: index }),
];
export const isSelection: Check<Selection> = (value): value is Selection => SELECTIONS.some((check) => check(value));
const MESSAGE = record({
  scheme: text(32),
  name: bytes(32),
  seed: bytes(SEED_BYTES),
  selection: isSelection,
  extra: bytesUpTo(EXTRA_BYTES_MAX),
});

/** What a prover is told: everything but what the verifier derives from its seed for itself. */
export interface ChallengeMessage {
  readonly scheme: string;
  /** The file's name: a challenge for another file, session or version is none for this one. */
  readonly name: Uint8Array;
  /** Indices and coefficients are expanded from it. */
  readonly seed: Uint8Array;
  readonly selection: Selection;
  /** What the scheme adds, such as g^s. */
  readonly extra: Uint8Array;
}

/** A list of as many indices as one may have, and all else. */
const MESSAGE_BYTES_MAX = 9 * INDICES_MAX + 4096;
const CHALLENGE = record({ seed: bytes(SEED_BYTES), selection: isSelection, message: bytesUpTo(MESSAGE_BYTES_MAX) });

/** A challenge as deterministic CBOR, for its verifier to keep: nobody else may see it before the proof is there. */
export const encodeChallenge = ({ seed, selection, message }: Challenge): Uint8Array =>
  encodeRecord({ seed, selection, message });
export const decodeChallenge = (encoded: Uint8Array): Challenge | undefined => decodeRecord(CHALLENGE, encoded);

/** How many blocks a message asks a prover to read at most, for who bounds his work; undefined for what is no message. */
export function blocksAsked(message: Uint8Array): number | undefined {
  const selection = decodeRecord(MESSAGE, message)?.selection;
  switch (selection?.kind) {
    case undefined:
      return undefined;
    case 'list':
      return selection.indices.length;
    case 'token':
      return 0;
    default:
      return selection!.count;
  }
}

/** A secret of this challenge, which the prover cannot know from its own seed. */
export async function challengeSecret(primitives: Primitives, seed: Uint8Array, label: string): Promise<Uint8Array> {
  return primitives.hmacSha256(seed)(ascii(`challenge ${label}`));
}

/** The prover's part of a challenge; the same each time it is made from one seed. */
export async function challengeMessage(
  primitives: Primitives,
  { file, name }: { readonly file: FileDescription; readonly name: Uint8Array },
  seed: Uint8Array,
  selection: Selection,
  extra: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  return encodeRecord({
    scheme: file.scheme,
    name,
    seed: await challengeSecret(primitives, seed, 'prover'),
    selection,
    extra,
  });
}

/** A message for this file, or undefined: it may come from anybody. */
export function openChallengeMessage(
  { file, name }: { readonly file: FileDescription; readonly name: Uint8Array },
  message: Uint8Array,
): ChallengeMessage | undefined {
  const opened = decodeRecord(MESSAGE, message);
  return opened !== undefined &&
    opened.scheme === file.scheme &&
    opened.name.every((byte, at) => byte === name[at]) &&
    isSelectionOf(file, opened.selection)
    ? opened
    : undefined;
}

/** Whether a file has the blocks that are asked for. Tokens are the scheme's to check. */
export function isSelectionOf(file: FileDescription, selection: Selection): boolean {
  const blocks = blockCount(file);
  switch (selection.kind) {
    case 'sample':
      return selection.count >= 1 && selection.count <= INDICES_MAX;
    case 'list':
      return (
        selection.indices.length >= 1 &&
        selection.indices.every((at, place, all) => at < blocks && (place === 0 || at > all[place - 1]!))
      );
    case 'range':
      return selection.count >= 1 && selection.first + selection.count <= blocks;
    case 'token':
      return true;
  }
}

/** @throws PdpError `selection` */
export function checkSelection(file: FileDescription, kinds: readonly Selection['kind'][], selection: Selection): void {
  if (!isSelection(selection) || !kinds.includes(selection.kind) || !isSelectionOf(file, selection))
    throw new PdpError(
      'selection',
      `The scheme "${file.scheme}" asks for blocks by ${kinds.join(', ')}; indices ascend and lie below ${blockCount(file)}`,
    );
}

/** The blocks that a message asks for, in ascending order, and where their coefficients come from. */
export interface Expansion {
  readonly count: number;
  /** The same ones each time they are iterated. */
  readonly indices: Iterable<number>;
  /** A new stream of coefficients, from the first on, each time it is called. */
  coefficients(): Keystream;
}

/** Both sides expand a message alike. The selection is not by tokens. */
export async function expand(
  primitives: Primitives,
  file: FileDescription,
  { name, seed, selection }: ChallengeMessage,
): Promise<Expansion> {
  const keyed = primitives.hmacSha256(seed);
  const coefficientKey = await keyed(ascii('coefficients'), name);
  const indices = await selectedIndices(primitives, file, selection, await keyed(ascii('indices'), name));
  return { ...indices, coefficients: () => keystream(primitives, coefficientKey) };
}

async function selectedIndices(
  primitives: Primitives,
  file: FileDescription,
  selection: Selection,
  key: Uint8Array,
): Promise<Pick<Expansion, 'count' | 'indices'>> {
  switch (selection.kind) {
    case 'sample': {
      const total = blockCount(file);
      const count = Math.min(selection.count, total);
      return { count, indices: await sampleIndices(keystream(primitives, key), total, count) };
    }
    case 'list':
      return { count: selection.indices.length, indices: selection.indices };
    case 'range':
      return { count: selection.count, indices: range(selection.first, selection.count) };
    case 'token':
      return { count: 0, indices: [] };
  }
}

/** Not in memory, and as often as it is asked. */
function range(first: number, count: number): Iterable<number> {
  return {
    *[Symbol.iterator]() {
      for (let at = first; at < first + count; at += 1) yield at;
    },
  };
}
