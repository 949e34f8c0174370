import type { Primitives } from '@cloister/crypto';
import { bytes, decodeRecord, encodeRecord } from '@cloister/pdp';
import { type Check, record, whole } from '@cloister/protocol';
import { Refusal, refuse } from '../failure.ts';
import type { Seal } from './seal.ts';

/**
 * What a second store keeps of a state that was sealed: its number, and which state it is, since two that go on from one
 * copy have the same number. The store can give back an older one, or none; it can make none.
 */
export interface Mark {
  readonly counter: number;
  /** SHA-256 of the sealed head. */
  readonly head: Uint8Array;
}

const isMark: Check<Mark> = record({ counter: whole(Number.MAX_SAFE_INTEGER), head: bytes(32) });

/** @param seal of this state alone */
export const sealMark = (seal: Seal, mark: Mark): Uint8Array => seal.seal(encodeRecord(mark));

/**
 * Refuses a state that is not the one that its mark is of, nor the one after it: a kill between the two leaves the mark
 * behind by one. Returns whether it was.
 * @param sealed the mark as the second store has given it; empty if it has none
 * @param at where it is kept
 * @throws Refusal `rolled-back`, `state`
 */
export async function isBehind(
  primitives: Primitives,
  seal: Seal,
  sealed: Uint8Array,
  at: string,
  state: { readonly counter: number; readonly head: Uint8Array },
): Promise<boolean> {
  const mark = sealed.length === 0 ? undefined : openMark(seal, sealed, at);
  const known = mark?.counter ?? 0;
  if (state.counter < known)
    refuse('rolled-back', `This state is number ${state.counter}, and number ${known} was kept at "${at}"`);
  if (state.counter > known + 1)
    refuse('rolled-back', `This state is number ${state.counter}, and "${at}" has an older counter: ${known}`);
  if (state.counter > known) return true;
  if (mark !== undefined && !primitives.equal(mark.head, await primitives.sha256(state.head)))
    refuse('rolled-back', `Another state of the number ${known} was kept at "${at}": two go on from one copy`);
  return false;
}

function openMark(seal: Seal, sealed: Uint8Array, at: string): Mark {
  const none = (): never => refuse('state', `What lies at "${at}" is no counter of this state`);
  try {
    return decodeRecord(isMark, seal.open(sealed)) ?? none();
  } catch (error) {
    if (error instanceof Refusal) return none();
    throw error;
  }
}
