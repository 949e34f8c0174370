/** Where a disk's block is: in its base, nowhere (it reads as zeros), or in the overlay with the version from 1 up. */
export const IN_BASE = 0;
export const DISCARDED = -1;

/** Blocks whose entries are made together: 2 MiB of the disk, 4 KiB here. */
const CHUNK = 512;
/** What all discarded chunks share; it is never written. */
const ALL_DISCARDED = new Float64Array(CHUNK).fill(DISCARDED);

/** The version of each block of a disk, made as blocks get one. Doubles, since 2^32 is a day of writes to a busy disk. */
export type VersionTable = Map<number, Float64Array>;

export const createVersionTable = (): VersionTable => new Map();

export function versionOf(table: VersionTable, block: number): number {
  return table.get(Math.floor(block / CHUNK))?.[block % CHUNK] ?? IN_BASE;
}

export function setVersion(table: VersionTable, block: number, version: number): void {
  ownChunk(table, Math.floor(block / CHUNK))[block % CHUNK] = version;
}

export function discardBlocks(table: VersionTable, block: number, count: number): void {
  for (let at = block; at < block + count; ) {
    const chunk = Math.floor(at / CHUNK);
    const end = Math.min((chunk + 1) * CHUNK, block + count);
    if (end - at === CHUNK) table.set(chunk, ALL_DISCARDED);
    else ownChunk(table, chunk).fill(DISCARDED, at % CHUNK, (at % CHUNK) + end - at);
    at = end;
  }
}

/** How many of the `count` blocks from `block` on lie in the same place as the first. */
export function runOf(table: VersionTable, block: number, count: number): number {
  const place = Math.min(versionOf(table, block), 1);
  let run = 1;
  while (run < count && Math.min(versionOf(table, block + run), 1) === place) run += 1;
  return run;
}

function ownChunk(table: VersionTable, chunk: number): Float64Array {
  const found = table.get(chunk);
  if (found !== undefined && found !== ALL_DISCARDED) return found;
  const own = found?.slice() ?? new Float64Array(CHUNK);
  table.set(chunk, own);
  return own;
}
