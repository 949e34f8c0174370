/** Registers with a part to play in every body; all others are free. Bodies write none of these but through their items. */
export const ROLE = {
  link: 1,
  /** Aims at the safe page's middle, a multiple of 8. */
  safe: 8,
  /** Aim anywhere in the data. */
  bases: [2, 9, 18, 19, 20],
  /** Aims where nothing can be executed. */
  wild: 27,
  counter: 28,
  scratch: 29,
  supervisorPage: 30,
  controlPage: 31,
} as const;

const TAKEN: ReadonlySet<number> = new Set<number>([...Object.values(ROLE).flat()]);
const all = Array.from({ length: 32 }, (_, n) => n);
/** May be written by any instruction. */
export const FREE: readonly number[] = all.filter((n) => !TAKEN.has(n));
export const ALL: readonly number[] = all;
