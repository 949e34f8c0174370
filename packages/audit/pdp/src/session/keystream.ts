import type { Answer, Primitives } from '@cloister/crypto';
import { uint64 } from '../encoding.ts';

const REFILL_BYTES = 4096;

/** Pseudorandom bytes from a 32-byte key, as many as are taken: AES-256-CTR from counter 0. */
export interface Keystream {
  bytes(length: number): Promise<Uint8Array>;
  /** A whole number below `limit`, each with the same probability. `limit` is 1 to 2^53 - 1. */
  below(limit: number): Promise<number>;
  /** A whole number below `limit`, which may be of any size. */
  bigBelow(limit: bigint): Promise<bigint>;
}

export function keystream(primitives: Primitives, key: Uint8Array): Keystream {
  let buffer = new Uint8Array(0);
  let at = 0;
  let blocks = 0;

  async function take(length: number): Promise<Uint8Array> {
    if (buffer.length - at < length) {
      const counter = new Uint8Array(16);
      new DataView(counter.buffer).setBigUint64(8, BigInt(blocks));
      const more = Math.ceil(Math.max(REFILL_BYTES, length) / 16) * 16;
      blocks += more / 16;
      const fresh = await primitives.aes256Ctr(key, counter, more);
      const joined = new Uint8Array(buffer.length - at + fresh.length);
      joined.set(buffer.subarray(at));
      joined.set(fresh, buffer.length - at);
      buffer = joined;
      at = 0;
    }
    at += length;
    return buffer.subarray(at - length, at);
  }

  async function bigBelow(limit: bigint): Promise<bigint> {
    const bits = (limit - 1n).toString(2).length;
    const mask = (1n << BigInt(bits)) - 1n;
    // Rejection: the masked value is below `limit` with a probability of at least one half.
    for (;;) {
      let value = 0n;
      for (const byte of await take(Math.ceil(bits / 8))) value = (value << 8n) | BigInt(byte);
      value &= mask;
      if (value < limit) return value;
    }
  }

  return {
    bytes: async (length) => (await take(length)).slice(),
    bigBelow,
    async below(limit) {
      const most = limit - 1;
      const highMask = maskFor(Math.floor(most / 2 ** 32));
      const lowMask = most < 2 ** 32 ? maskFor(most) : 0xffffffff;
      for (;;) {
        const word = await take(8);
        const view = new DataView(word.buffer, word.byteOffset, 8);
        const value = ((view.getUint32(0) & highMask) >>> 0) * 2 ** 32 + ((view.getUint32(4) & lowMask) >>> 0);
        if (value < limit) return value;
      }
    },
  };
}

/** AES-256-CTR from counter 2^64 `index` on: a pseudorandom function of an index, with results as long as is asked for. */
export function indexedKeystream(
  { aes256Ctr }: Primitives,
  key: Uint8Array,
): (index: number, length: number) => Answer<Uint8Array> {
  const counter = new Uint8Array(16);
  return (index, length) => {
    counter.set(uint64(index));
    return aes256Ctr(key, counter, length);
  };
}

/** The first `length` bytes of `indexedKeystream` for each index, in one call: what AES makes of the counters. */
export async function indexedKeystreams(
  { aes256Blocks }: Primitives,
  key: Uint8Array,
  indices: readonly number[],
  length: number,
): Promise<readonly Uint8Array[]> {
  const stride = 16 * Math.ceil(length / 16);
  const counters = new Uint8Array(stride * indices.length);
  const view = new DataView(counters.buffer);
  let at = 0;
  for (const index of indices)
    for (let block = 0; 16 * block < stride; block += 1) {
      view.setUint32(at, Math.floor(index / 2 ** 32));
      view.setUint32(at + 4, index % 2 ** 32);
      view.setUint32(at + 12, block);
      at += 16;
    }
  const streams = await aes256Blocks(key, counters);
  return indices.map((_, place) => streams.subarray(stride * place, stride * place + length));
}

/** As many ones as a number of 32 bits has digits. */
const maskFor = (value: number): number => (value === 0 ? 0 : 0xffffffff >>> Math.clz32(value));
