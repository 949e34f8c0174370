/** A block is cut into sectors of so many bytes, the last one filled up with zeros: as a number, each is below BLS12-381's order. */
export const SECTOR_BYTES = 31;
const LIMB_BYTES = 2;
/** A sector's limbs, of 16 bits. */
const SECTOR_LIMBS = Math.ceil(SECTOR_BYTES / LIMB_BYTES);
const WIDE_BYTES = 32;
/** A scalar's limbs, and those of a coefficient of 128 bits. */
const SCALAR_LIMBS = WIDE_BYTES / LIMB_BYTES;
export const COEFFICIENT_BYTES = 16;
const COEFFICIENT_LIMBS = COEFFICIENT_BYTES / LIMB_BYTES;
/** Each product is below 2^32 and a column takes 16 of them a term: after so many terms it is still below 2^53. */
const TERMS_BEFORE_CARRY = 1 << 16;

export const sectorsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / SECTOR_BYTES));

/**
 * Sums of products over the sectors of blocks, in limbs of 16 bits and columns of doubles, which hold them exactly. Sectors are read least
 * significant byte first. The time depends on lengths alone, not on values, so that secret factors may go through here.
 * Measured: 0.26 ms for the 529 products of a block of 16 KiB by scalars.
 */
export interface ScalarProducts {
  /** The sum of factor j times sector j, as a number of at least 66 bytes, least significant first. */
  of(block: Uint8Array): Uint8Array;
}

/** @param factors 32 bytes each, least significant first, one a sector */
export function scalarProducts(factors: readonly Uint8Array[]): ScalarProducts {
  const limbs = new Float64Array(factors.length * SCALAR_LIMBS);
  factors.forEach((factor, at) => {
    for (let limb = 0; limb < SCALAR_LIMBS; limb += 1)
      limbs[at * SCALAR_LIMBS + limb] = factor[2 * limb]! + 256 * factor[2 * limb + 1]!;
  });
  const width = SCALAR_LIMBS + SECTOR_LIMBS;
  return {
    of(block) {
      const columns = new Float64Array(width + 4);
      const sectors = sectorsOf(block.length);
      for (let sector = 0; sector < sectors; sector += 1) {
        addProducts(columns, 0, limbs, sector * SCALAR_LIMBS, SCALAR_LIMBS, block, sector * SECTOR_BYTES);
        if (sector % TERMS_BEFORE_CARRY === TERMS_BEFORE_CARRY - 1) carry(columns, 0, columns.length);
      }
      return toBytes(columns, 0, columns.length);
    },
  };
}

/** Sums over blocks, sector by sector: mu_j = sum of nu_i m_ij. */
export interface SectorSums {
  /** Adds a block, times a coefficient of 16 bytes, least significant first. */
  add(coefficient: Uint8Array, block: Uint8Array): void;
  /** The sum of each sector as a number, least significant byte first. */
  sums(): readonly Uint8Array[];
}

export function sectorSums(sectors: number): SectorSums {
  const width = COEFFICIENT_LIMBS + SECTOR_LIMBS + 2;
  const columns = new Float64Array(sectors * width);
  const factor = new Float64Array(COEFFICIENT_LIMBS);
  let terms = 0;
  return {
    add(coefficient, block) {
      for (let limb = 0; limb < COEFFICIENT_LIMBS; limb += 1)
        factor[limb] = coefficient[2 * limb]! + 256 * coefficient[2 * limb + 1]!;
      const present = Math.min(sectors, sectorsOf(block.length));
      for (let sector = 0; sector < present; sector += 1)
        addProducts(columns, sector * width, factor, 0, COEFFICIENT_LIMBS, block, sector * SECTOR_BYTES);
      terms += 1;
      if (terms % TERMS_BEFORE_CARRY === 0)
        for (let sector = 0; sector < sectors; sector += 1) carry(columns, sector * width, width);
    },
    sums: () => Array.from({ length: sectors }, (_, sector) => toBytes(columns, sector * width, width)),
  };
}

/** Adds a number of `count` limbs times the sector at `from` to columns. */
function addProducts(
  columns: Float64Array,
  at: number,
  limbs: Float64Array,
  first: number,
  count: number,
  block: Uint8Array,
  from: number,
): void {
  for (let limb = 0; limb < SECTOR_LIMBS; limb += 1) {
    const place = from + LIMB_BYTES * limb;
    // A sector has an odd number of bytes: the next byte is the next sector's.
    const low = place < block.length ? block[place]! : 0;
    const high = limb < SECTOR_LIMBS - 1 && place + 1 < block.length ? block[place + 1]! : 0;
    const value = low + 256 * high;
    for (let other = 0; other < count; other += 1) columns[at + limb + other]! += value * limbs[first + other]!;
  }
}

/** Brings each column below 2^16; the last one takes what is left. */
function carry(columns: Float64Array, at: number, width: number): void {
  for (let column = at; column < at + width - 1; column += 1) {
    const value = columns[column]!;
    const up = Math.floor(value / 65536);
    columns[column] = value - up * 65536;
    columns[column + 1]! += up;
  }
}

function toBytes(columns: Float64Array, at: number, width: number): Uint8Array {
  carry(columns, at, width);
  const bytes = new Uint8Array(width * LIMB_BYTES);
  for (let column = 0; column < width; column += 1) {
    bytes[2 * column] = columns[at + column]! & 255;
    bytes[2 * column + 1] = columns[at + column]! >> 8;
  }
  return bytes;
}
