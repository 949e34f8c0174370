import { joined, uint64 } from '../encoding.ts';
import type { LeafChange } from './merkle-tree.ts';

export const VERSION_NOTE_BYTES = 16;
/** A run: v in 8 bytes, t in 16, how many blocks in 8. */
const RUN_BYTES = 32;

/**
 * Blocks that follow one another: as they were tagged at first (v = 0, t = the place that the first of them had then), or one that
 * was written later (v = how often, t = 16 random bytes of the owner's: a counter would come twice after a rollback).
 */
interface Run {
  readonly version: number;
  readonly stamp: Uint8Array;
  readonly blocks: number;
}

/**
 * The auditor's table of DHT-PA: (v_i, t_i) of each block, of which no two are ever the same. Tian et al.'s lists, kept as runs: a file
 * that was tagged and never changed has one, and a change adds two at most.
 */
export interface VersionTable {
  readonly blocks: number;
  readonly runs: number;
  encode(): Uint8Array;
  /** v_i and t_i, in 24 bytes, of blocks in ascending order. */
  stamps(indices: Iterable<number>): Iterable<Uint8Array>;
  /** The table after a change that is one of it; `note` is a written block's t. */
  changed(change: Pick<LeafChange, 'kind' | 'index'>, note: Uint8Array): VersionTable;
}

/** The table of a file of so many blocks that was just tagged. */
export const freshVersionTable = (blocks: number): VersionTable =>
  versionTable([{ version: 0, stamp: place(0), blocks }]);

/** A table from its encoding, or undefined. */
export function decodeVersionTable(bytes: Uint8Array): VersionTable | undefined {
  if (bytes.length === 0 || bytes.length % RUN_BYTES !== 0) return undefined;
  const runs: Run[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const whole = (at: number) => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += RUN_BYTES) {
    const run = { version: whole(at), stamp: bytes.slice(at + 8, at + 24), blocks: whole(at + 24) };
    sum += run.blocks;
    const last = whole(at + 16) + run.blocks;
    const isOriginal = run.version === 0 && whole(at + 8) === 0 && Number.isSafeInteger(last);
    if (run.blocks < 1 || !Number.isSafeInteger(sum) || !Number.isSafeInteger(run.version)) return undefined;
    if (!isOriginal && !(run.version > 0 && run.blocks === 1)) return undefined;
    runs.push(run);
  }
  return versionTable(runs);
}

function versionTable(runs: readonly Run[]): VersionTable {
  const blocks = runs.reduce((sum, run) => sum + run.blocks, 0);
  return {
    blocks,
    runs: runs.length,
    encode: () => joined(runs.flatMap(({ version, stamp, blocks: count }) => [uint64(version), stamp, uint64(count)])),
    *stamps(indices) {
      let run = 0;
      let start = 0;
      for (const index of indices) {
        while (index >= start + runs[run]!.blocks) {
          start += runs[run]!.blocks;
          run += 1;
        }
        const { version, stamp } = later(runs[run]!, index - start);
        yield joined([uint64(version), stamp]);
      }
    },
    changed({ kind, index }, note) {
      const out: Run[] = [];
      const add = (run: Run) => run.blocks > 0 && out.push(run);
      let start = 0;
      let done = false;
      for (const run of runs) {
        const inside = index - start;
        start += run.blocks;
        if (done || inside >= run.blocks) {
          add(run);
          continue;
        }
        done = true;
        add({ ...run, blocks: inside });
        if (kind === 'insert') add({ version: 1, stamp: note, blocks: 1 });
        if (kind === 'modify') add({ version: run.version + 1, stamp: note, blocks: 1 });
        const rest = later(run, kind === 'insert' ? inside : inside + 1);
        add(rest);
      }
      if (!done) add({ version: 1, stamp: note, blocks: 1 });
      return versionTable(out);
    },
  };
}

const place = (index: number): Uint8Array => joined([uint64(0), uint64(index)]);

/** What is left of a run without its first blocks. */
function later({ version, stamp, blocks }: Run, count: number): Run {
  if (version > 0) return { version, stamp, blocks: blocks - count };
  const view = new DataView(stamp.buffer, stamp.byteOffset, stamp.length);
  const first = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
  return { version, stamp: place(first + count), blocks: blocks - count };
}
