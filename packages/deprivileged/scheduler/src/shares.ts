/** What a VM may have: at most `cpus` of them, and of what is scarce a part by its `weight`. */
export interface Claim {
  readonly cpus: number;
  readonly weight: number;
}

/**
 * Divides `cpus` among claims: by weight, nobody above its own cap, and what a capped one leaves goes to the others.
 * Returns each one's share in CPUs.
 */
export function divide(cpus: number, claims: readonly Claim[]): number[] {
  const shares = claims.map(() => 0);
  let open = claims.map((_, i) => i);
  let left = cpus;
  while (open.length > 0) {
    const weights = open.reduce((sum, i) => sum + claims[i]!.weight, 0);
    const capped = open.filter((i) => claims[i]!.cpus <= (left * claims[i]!.weight) / weights);
    if (capped.length === 0) {
      for (const i of open) shares[i] = (left * claims[i]!.weight) / weights;
      break;
    }
    for (const i of capped) {
      shares[i] = claims[i]!.cpus;
      left -= claims[i]!.cpus;
    }
    open = open.filter((i) => !capped.includes(i));
  }
  return shares;
}
