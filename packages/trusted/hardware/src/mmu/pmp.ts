import { SLOT } from '../hart/csr-slots.ts';
import { type HartState, PRIVILEGE, type Privilege, wide, word } from '../hart/state.ts';

/** Physical memory protection (privileged specification §3.7): 16 entries, grain 4 bytes. */
export const PMP_ENTRIES = 16;
export const PMP_ACCESS = { read: 1, write: 2, execute: 4 } as const;
const LOCKED = 0x80;

export interface PmpRegion {
  /** First byte and first byte after, guest physical. */
  readonly from: number;
  readonly to: number;
  readonly config: number;
}

/** The active entries in priority order; made anew when a PMP register is written. */
export function pmpRegions(state: HartState): PmpRegion[] {
  const regions: PmpRegion[] = [];
  let previous = 0;
  for (let entry = 0; entry < PMP_ENTRIES; entry += 1) {
    const address = Number(wide(state, SLOT.pmpaddr0 + 8 * entry)) * 4;
    const config = pmpConfig(state, entry);
    const mode = (config >> 3) & 3;
    if (mode === 1) regions.push({ from: previous, to: address, config });
    else if (mode === 2) regions.push({ from: address, to: address + 4, config });
    else if (mode === 3) {
      // NAPOT: trailing ones give the size, 8 bytes for none.
      const raw = wide(state, SLOT.pmpaddr0 + 8 * entry);
      let ones = 0n;
      while (((raw >> ones) & 1n) === 1n) ones += 1n;
      const base = Number((raw >> (ones + 1n)) << (ones + 1n)) * 4;
      regions.push({ from: base, to: base + 2 ** (Number(ones) + 3), config });
    }
    previous = address;
  }
  return regions;
}

export function pmpConfig(state: HartState, entry: number): number {
  const value = word(state, (entry < 8 ? SLOT.pmpcfg0 : SLOT.pmpcfg2) + (entry & 4));
  return (value >>> ((entry & 3) * 8)) & 0xff;
}

/** Whether an access of `bytes` at `address` is allowed; the lowest entry that matches any byte decides. */
export function pmpAllows(
  regions: readonly PmpRegion[],
  address: number,
  bytes: number,
  access: number,
  privilege: Privilege,
): boolean {
  for (const { from, to, config } of regions) {
    if (address >= to || address + bytes <= from) continue;
    if (address < from || address + bytes > to) return false;
    return privilege === PRIVILEGE.M && (config & LOCKED) === 0 ? true : (config & access) !== 0;
  }
  return privilege === PRIVILEGE.M;
}

/** Whether one answer of PMP holds for the whole page, so that a TLB may keep it. */
export function pmpUniform(regions: readonly PmpRegion[], page: number): boolean {
  for (const { from, to } of regions) {
    if (page >= to || page + 4096 <= from) continue;
    return page >= from && page + 4096 <= to;
  }
  return true;
}

/** Whether the first entry that matches opens the whole range to all modes: what firmware does before it starts a kernel. */
export function pmpOpens(regions: readonly PmpRegion[], from: number, bytes: number): boolean {
  const [first] = regions;
  return first !== undefined && first.from <= from && first.to >= from + bytes && (first.config & 7) === 7;
}
