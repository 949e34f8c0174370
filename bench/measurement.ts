/** One measured promise; printed as one line of JSON with `--json`. */
export interface Measurement {
  readonly bench: string;
  readonly metric: string;
  readonly ours: number;
  /** The peer's figure from the same run, or null where the goal is absolute. */
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly goal: string;
  readonly holds: boolean;
}

export interface BenchOptions {
  /** A sample instead of the whole measurement. */
  readonly quick: boolean;
}

export type Bench = (options: BenchOptions) => Promise<readonly Measurement[]>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const round = (value: number): number => Number(value.toPrecision(4));

/** Ours against the peer's, as a ratio of medians that must not exceed `most`. */
export function compared(
  bench: string,
  metric: string,
  ours: readonly number[],
  peer: readonly number[],
  most: number,
): Measurement {
  const [a, b] = [median(ours), median(peer)];
  const ratio = a / b;
  return {
    bench,
    metric,
    ours: round(a),
    peer: round(b),
    ratio: round(ratio),
    goal: `ratio <= ${most}`,
    holds: ratio <= most,
  };
}

/** A figure without a peer that must reach `least`. */
export function reached(bench: string, metric: string, ours: readonly number[], least: number): Measurement {
  const value = median(ours);
  return { bench, metric, ours: round(value), peer: null, ratio: null, goal: `>= ${least}`, holds: value >= least };
}

/** A figure without a peer that must not exceed `most`. */
export function within(bench: string, metric: string, ours: readonly number[], most: number): Measurement {
  const value = median(ours);
  return { bench, metric, ours: round(value), peer: null, ratio: null, goal: `<= ${most}`, holds: value <= most };
}

/** A figure that is reported and promised to nobody. */
export function reported(
  bench: string,
  metric: string,
  ours: readonly number[],
  peer?: readonly number[],
): Measurement {
  const value = median(ours);
  const other = peer === undefined ? null : median(peer);
  return {
    bench,
    metric,
    ours: round(value),
    peer: other === null ? null : round(other),
    ratio: other === null ? null : round(value / other),
    goal: 'reported',
    holds: true,
  };
}
