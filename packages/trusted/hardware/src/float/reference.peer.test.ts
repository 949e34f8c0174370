import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FLOAT_KEYS, FLOAT_OPERATIONS, type FloatKey } from './operations.ts';
import { referenceFloat } from './reference.ts';
import { createRandom, randomOperands } from './testing/operands.ts';

/** The reference against QEMU's processor, which runs the instructions themselves (testing/peer.c). */
const RECORD = 40;
const OUTCOME = 16;

interface Call {
  readonly key: FloatKey;
  readonly args: readonly bigint[];
  readonly rm: number;
}

function runPeer(calls: readonly Call[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-float-'));
  try {
    const program = join(directory, 'peer');
    const source = join(import.meta.dirname, 'testing', 'peer.c');
    execFileSync('riscv64-linux-gnu-gcc', ['-O1', '-static', '-o', program, source]);
    const input = Buffer.alloc(calls.length * RECORD);
    calls.forEach(({ key, args, rm }, index) => {
      const words = [BigInt(FLOAT_KEYS.indexOf(key)), BigInt(rm), ...args];
      words.forEach((word, at) => {
        input.writeBigUInt64LE(word, index * RECORD + at * 8);
      });
    });
    return execFileSync('qemu-riscv64', [program], { input, maxBuffer: 2 ** 30 });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('the reference computes what QEMU does', () => {
  const seed = 7;
  const random = createRandom(seed);
  const calls = Array.from({ length: 1_000_000 }, (): Call => {
    const key = FLOAT_KEYS[random() % FLOAT_KEYS.length]!;
    return { key, args: randomOperands(key, random), rm: random() % 5 };
  });
  const output = runPeer(calls);
  expect(output.length).toBe(calls.length * OUTCOME);
  const found: string[] = [];
  calls.forEach(({ key, args, rm }, index) => {
    const raw = output.readBigUInt64LE(index * OUTCOME);
    // A single comes out of its register sign-extended.
    const isSingle = key.startsWith('f32.') && !/\.(to_|eq|lt|le|classify)/.test(key);
    const peer = { value: isSingle ? BigInt.asUintN(32, raw) : raw, flags: output[index * OUTCOME + 8]! };
    const ours = referenceFloat(key, args, FLOAT_OPERATIONS[key].rounds ? rm : 0);
    if (ours.value !== peer.value || ours.flags !== peer.flags)
      found.push(
        `${key}(${args.map((arg) => arg.toString(16))}) rm ${rm}: ${JSON.stringify([ours, peer], (_, v) => (typeof v === 'bigint' ? v.toString(16) : v))}`,
      );
  });
  expect({ seed, found: found.slice(0, 20), count: found.length }).toEqual({ seed, found: [], count: 0 });
});
