import type { Curve, G1, G2, Scalar } from '../../arithmetic/curve.ts';
import type { TextbookKey } from './bls-tags.ts';

/**
 * DHT-PA's masked answer (Tian et al., 2017), with several sectors: the auditor sends R = v^r, the server answers
 * D = e(prod u_j^{mu_j}, R) and sigma, and D prod e(H(v_i | t_i)^{nu_i}, R) = e(sigma, g2)^r is checked.
 */
export const auditorsMask = (group: Curve, { v }: TextbookKey, r: Scalar): G2 => group.multiplyG2(v, r);

/** What the server computes from u^mu, which it should have made from the data. */
export const maskedAnswer = (group: Curve, data: G1, mask: G2): Uint8Array =>
  group.pairings(group.sum([], []), data, mask);

export function isMaskedAnswer(
  group: Curve,
  mask: G2,
  r: Scalar,
  labels: readonly Uint8Array[],
  nu: readonly Scalar[],
  { d, sigma }: { readonly d: Uint8Array; readonly sigma: G1 },
): boolean {
  const hashes = group.sum(labels.map(group.hashToG1), nu);
  const expected = group.pairings(group.multiply(sigma, r), group.negate(hashes), mask);
  return expected.every((byte, at) => byte === d[at]);
}
