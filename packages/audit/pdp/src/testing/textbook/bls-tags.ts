import type { Curve, G1, G2, Scalar } from '../../arithmetic/curve.ts';

/** Keys and tags as the papers have them, with what they leave open as the caller wishes: labels, sectors, checks of points. */
export interface TextbookKey {
  readonly x: Scalar;
  readonly v: G2;
  readonly u: readonly G1[];
}

export function textbookKey(group: Curve, sectors: number, random: () => Uint8Array): TextbookKey {
  const scalar = () => group.scalar.reduce(random());
  const x = scalar();
  const u = Array.from({ length: sectors }, () => group.multiply(group.g1, scalar()));
  return { x, v: group.multiplyG2(group.g2, x), u };
}

/** sigma = (H(label) prod u_j^{m_j})^x */
export const textbookTag = (group: Curve, { x, u }: TextbookKey, label: Uint8Array, sectors: readonly Scalar[]): G1 =>
  group.multiply(group.add(group.hashToG1(label), group.sum(u.slice(0, sectors.length), sectors)), x);

/** e(sigma, g2) = e(prod H(label_i)^{nu_i} prod u_j^{mu_j}, v), whatever point sigma is. */
export function textbookVerify(
  group: Curve,
  { v, u }: Pick<TextbookKey, 'v' | 'u'>,
  labels: readonly Uint8Array[],
  nu: readonly Scalar[],
  mu: readonly Scalar[],
  sigma: G1,
): boolean {
  const hashes = group.sum(labels.map(group.hashToG1), nu);
  return group.pairingsAgree(sigma, group.add(hashes, group.sum(u.slice(0, mu.length), mu)), v);
}

/** sum of nu_i m_i, for each sector. */
export const textbookSums = (
  { scalar }: Curve,
  nu: readonly Scalar[],
  blocks: readonly (readonly Scalar[])[],
): readonly Scalar[] =>
  blocks[0]!.map((_, sector) =>
    blocks.map((block, at) => scalar.multiply(nu[at]!, block[sector]!)).reduce((sum, term) => scalar.add(sum, term)),
  );
