import { FINAL_CSRS, INITIAL_CSRS, PROBED_CSRS } from './csrs.ts';
import { ARENA_PAGE, CONTROL, LOG, PAGE } from './layout.ts';
import { MASKED } from './peer-differences.ts';

/** One doubleword of an arena that differs. */
export interface FieldDifference {
  readonly field: string;
  readonly ours: bigint;
  readonly peer: bigint;
}

const LOG_FIELDS = ['cause', 'epc', 'tval', 'status'] as const;

/** Names a doubleword of an arena by its offset. */
function fieldAt(offset: number): string {
  const page = Math.floor(offset / PAGE);
  const inside = offset % PAGE;
  if (page === ARENA_PAGE.machineLog || page === ARENA_PAGE.supervisorLog) {
    const name = page === ARENA_PAGE.machineLog ? 'machine trap' : 'supervisor trap';
    return `${name} ${Math.floor(inside / LOG.entryBytes)} ${LOG_FIELDS[(inside % LOG.entryBytes) / 8]}`;
  }
  if (page >= ARENA_PAGE.tables) return `table ${page - ARENA_PAGE.tables} entry ${inside / 8}`;
  if (page >= ARENA_PAGE.data) return `data 0x${(offset - ARENA_PAGE.data * PAGE).toString(16)}`;
  if (page >= ARENA_PAGE.code) return `code 0x${(offset - ARENA_PAGE.code * PAGE).toString(16)}`;
  const owner = page === ARENA_PAGE.supervisor ? 'supervisor ' : '';
  const index = (from: number): number => (inside - from) / 8;
  if (inside === CONTROL.traps) return `${owner}traps`;
  if (inside === CONTROL.retired) return `${owner}retired`;
  if (inside === CONTROL.lastRetired) return `${owner}lastRetired`;
  if (inside >= CONTROL.finalCsr) return `final ${FINAL_CSRS[index(CONTROL.finalCsr)]}`;
  if (inside >= CONTROL.finalF) return `f${index(CONTROL.finalF)}`;
  if (inside >= CONTROL.finalX) return `x${index(CONTROL.finalX)}`;
  if (inside >= CONTROL.probe) return `probe ${PROBED_CSRS[index(CONTROL.probe)]}`;
  if (inside >= CONTROL.csr) return `initial ${INITIAL_CSRS[index(CONTROL.csr)]}`;
  return `${owner}control ${inside}`;
}

/**
 * Compares two arenas in whole, but for what the reviewed table masks. `hits` counts, by entry of that table, the fields
 * that differ in masked bits alone.
 */
export function compareArenas(ours: Buffer, peer: Buffer, hits: Map<string, number>): FieldDifference[] {
  if (ours.equals(peer)) return [];
  const found: FieldDifference[] = [];
  for (let offset = 0; offset < ours.length; offset += 8) {
    const [a, b] = [ours.readBigUInt64LE(offset), peer.readBigUInt64LE(offset)];
    if (a === b) continue;
    const field = fieldAt(offset);
    const cause = / trap .* tval$/.test(field) ? peer.readBigUInt64LE(offset - 16) : undefined;
    let rest = a ^ b;
    for (const { id, mask } of MASKED) {
      const ignored = rest & mask(field, cause, a, b);
      if (ignored === 0n) continue;
      hits.set(id, (hits.get(id) ?? 0) + 1);
      rest &= ~ignored;
    }
    if (rest !== 0n) found.push({ field, ours: a, peer: b });
  }
  return found;
}
