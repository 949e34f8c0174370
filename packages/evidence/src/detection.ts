/**
 * The probability that an audit of `count` random blocks out of `total` meets one of `bad` bad ones:
 * 1 - C(total - bad, count) / C(total, count) (Ateniese et al., CCS 2007, section 5.1).
 */
export function detection(total: number, bad: number, count: number): number {
  if (bad <= 0 || count <= 0 || total <= 0) return 0;
  if (bad + count > total) return 1;
  let missed = 1;
  const [few, many] = bad < count ? [bad, count] : [count, bad];
  for (let i = 0; i < few; i += 1) missed *= (total - many - i) / (total - i);
  return 1 - missed;
}
