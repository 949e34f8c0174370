import {
  constants,
  createDiffieHellman,
  createPrivateKey,
  type DiffieHellman,
  generatePrime,
  privateDecrypt,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Modulus, RsaPrivateKey } from './primitives.ts';

const TWO = Uint8Array.of(2);

/**
 * Node offers no modular exponentiation by name. Diffie-Hellman over a modulus that need not be prime is one: OpenSSL's
 * `BN_mod_exp_mont_consttime`, for exponents of any length.
 */
export function nodeModulus(modulus: Uint8Array): Modulus {
  checkPlatform();
  return diffieHellmanModulus(modulus);
}

function diffieHellmanModulus(modulus: Uint8Array): Modulus {
  const group = createDiffieHellman(modulus, TWO);
  const zero = new Uint8Array(modulus.length);
  const one = withLast(zero, 1);
  // The modulus is odd, so that one less changes its last byte alone.
  const minusOne = withLast(modulus, modulus.at(-1)! - 1);

  return {
    power(base, exponent) {
      const isOdd = (exponent.at(-1) ?? 0) & 1;
      if (exponent.every((byte) => byte === 0) || same(base, one)) return one;
      if (same(base, zero)) return zero;
      if (same(base, minusOne)) return isOdd === 1 ? minusOne : one;
      return agreed(group, base, exponent) ?? oneOrMinusOne(base, exponent);
    },
  };

  /** OpenSSL refuses to agree on 1 or -1: the power with one more in the exponent is then the base or its negative. */
  function oneOrMinusOne(base: Uint8Array, exponent: Uint8Array): Uint8Array {
    const next = agreed(group, base, successor(exponent));
    if (next === undefined) throw new Error('The platform did not raise a number to a power');
    return same(next, base) ? one : minusOne;
  }
}

function agreed(group: DiffieHellman, base: Uint8Array, exponent: Uint8Array): Uint8Array | undefined {
  group.setPrivateKey(exponent);
  try {
    return group.computeSecret(base);
  } catch {
    return undefined;
  }
}

function successor(exponent: Uint8Array): Uint8Array {
  const next = new Uint8Array(exponent.length + 1);
  next.set(exponent, 1);
  let at = next.length - 1;
  while (next[at] === 255) {
    next[at] = 0;
    at -= 1;
  }
  next[at]! += 1;
  return next;
}

const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

function withLast(number: Uint8Array, byte: number): Uint8Array {
  const out = number.slice();
  out[out.length - 1] = byte;
  return out;
}

let checked = false;
/** Other engines (BoringSSL in its place, say) may hold the modulus to be a safe prime: then this is not what we need. */
function checkPlatform(): void {
  if (checked) return;
  const modulus = new Uint8Array(64).fill(0xe5);
  const base = new Uint8Array(64).fill(0x35);
  const exponent = new Uint8Array(80).fill(0x9b);
  if (big(diffieHellmanModulus(modulus).power(base, exponent) as Uint8Array) !== slowPower(modulus, base, exponent))
    throw new Error('The platform does not raise numbers to powers modulo any odd number');
  checked = true;
}

const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

function slowPower(modulus: Uint8Array, base: Uint8Array, exponent: Uint8Array): bigint {
  const n = big(modulus);
  let result = 1n;
  for (const bit of big(exponent).toString(2)) result = (((result * result) % n) * (bit === '1' ? big(base) : 1n)) % n;
  return result;
}

/** RSA's private operation without padding: by the Chinese remainder theorem, blinded, and checked before it is given out. */
export function nodeRsaPrivate(key: RsaPrivateKey): (base: Uint8Array) => Uint8Array {
  const jwk = Object.fromEntries(
    Object.entries(key).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64url')]),
  );
  const secret = createPrivateKey({ key: { ...jwk, kty: 'RSA' }, format: 'jwk' });
  return (base) => privateDecrypt({ key: secret, padding: constants.RSA_NO_PADDING }, base);
}

const findPrime = promisify(generatePrime) as (
  size: number,
  options: { readonly safe: boolean },
) => Promise<ArrayBuffer>;

/** On a thread of its own, so that the event loop goes on. */
export async function nodePrime(bits: number, kind: 'any' | 'safe'): Promise<Uint8Array> {
  return new Uint8Array(await findPrime(bits, { safe: kind === 'safe' }));
}
