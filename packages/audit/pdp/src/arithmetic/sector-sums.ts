/** A block is cut into sectors of so many bytes, the last one filled up with zeros: as a number, each is below BLS12-381's order. */
export const SECTOR_BYTES = 31;
const LIMB_BYTES = 2;
/** A sector's limbs, of 16 bits. */
const SECTOR_LIMBS = Math.ceil(SECTOR_BYTES / LIMB_BYTES);
const WIDE_BYTES = 32;
/** A scalar's limbs, and those of a coefficient of 128 bits, which is half of one. */
const SCALAR_LIMBS = WIDE_BYTES / LIMB_BYTES;
export const COEFFICIENT_BYTES = 16;
const FACTOR_LIMBS = COEFFICIENT_BYTES / LIMB_BYTES;
/** Each product is below 2^32 and a column takes 16 of them a term: after so many terms it is still below 2^53. */
const TERMS_BEFORE_CARRY = 1 << 16;

export const sectorsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / SECTOR_BYTES));

/**
 * Sums of products over the sectors of blocks, in limbs of 16 bits and columns of doubles, which hold them exactly. Sectors are read least
 * significant byte first. No branch and no address depends on a value, so that secret factors may go through here. Measured:
 * 0.11 ms for the 529 products of a block of 16 KiB by scalars, 0.07 ms by coefficients; BigInt takes 0.07 ms before parsing.
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
        for (let half = 0; half < SCALAR_LIMBS; half += FACTOR_LIMBS)
          addProducts(columns, half, limbs, sector * SCALAR_LIMBS + half, block, sector * SECTOR_BYTES);
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
  const width = FACTOR_LIMBS + SECTOR_LIMBS + 2;
  const columns = new Float64Array(sectors * width);
  const factor = new Float64Array(FACTOR_LIMBS);
  let terms = 0;
  return {
    add(coefficient, block) {
      for (let limb = 0; limb < FACTOR_LIMBS; limb += 1)
        factor[limb] = coefficient[2 * limb]! + 256 * coefficient[2 * limb + 1]!;
      const present = Math.min(sectors, sectorsOf(block.length));
      for (let sector = 0; sector < present; sector += 1)
        addProducts(columns, sector * width, factor, 0, block, sector * SECTOR_BYTES);
      terms += 1;
      if (terms % TERMS_BEFORE_CARRY === 0)
        for (let sector = 0; sector < sectors; sector += 1) carry(columns, sector * width, width);
    },
    sums: () => Array.from({ length: sectors }, (_, sector) => toBytes(columns, sector * width, width)),
  };
}

/**
 * Adds a number of 8 limbs times the sector at `from` to columns. The products that are still to come to the next seven columns wait
 * in variables (a filter in transposed form), so that each limb of the sector costs one access to memory and not eight.
 */
function addProducts(
  columns: Float64Array,
  at: number,
  limbs: Float64Array,
  first: number,
  block: Uint8Array,
  from: number,
): void {
  const f0 = limbs[first]!;
  const f1 = limbs[first + 1]!;
  const f2 = limbs[first + 2]!;
  const f3 = limbs[first + 3]!;
  const f4 = limbs[first + 4]!;
  const f5 = limbs[first + 5]!;
  const f6 = limbs[first + 6]!;
  const f7 = limbs[first + 7]!;
  let c1 = 0;
  let c2 = 0;
  let c3 = 0;
  let c4 = 0;
  let c5 = 0;
  let c6 = 0;
  let c7 = 0;
  for (let limb = 0; limb < SECTOR_LIMBS; limb += 1) {
    const place = from + LIMB_BYTES * limb;
    // A sector has an odd number of bytes: the next byte is the next sector's.
    const low = place < block.length ? block[place]! : 0;
    const high = limb < SECTOR_LIMBS - 1 && place + 1 < block.length ? block[place + 1]! : 0;
    const value = low + 256 * high;
    columns[at + limb]! += c1 + value * f0;
    c1 = c2 + value * f1;
    c2 = c3 + value * f2;
    c3 = c4 + value * f3;
    c4 = c5 + value * f4;
    c5 = c6 + value * f5;
    c6 = c7 + value * f6;
    c7 = value * f7;
  }
  const end = at + SECTOR_LIMBS;
  columns[end]! += c1;
  columns[end + 1]! += c2;
  columns[end + 2]! += c3;
  columns[end + 3]! += c4;
  columns[end + 4]! += c5;
  columns[end + 5]! += c6;
  columns[end + 6]! += c7;
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
