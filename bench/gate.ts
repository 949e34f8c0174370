import { NO_SEAL } from '@cloister/monitor';
import { BLOCK_BYTES, fromMachine, SEALED_BLOCK_BYTES, SECTOR_BYTES, toMachine } from '@cloister/protocol';
import { gateReplied } from '../packages/trusted/monitor/src/io-gate/gate.ts';
import { ask, BLOCK_TYPE, type DiskBench, statusAt } from '../packages/trusted/monitor/src/testing/block-driver.ts';
import { createGateBench } from '../packages/trusted/monitor/src/testing/gate-bench.ts';
import { allocate, FEATURE, startDevice } from '../packages/trusted/monitor/src/testing/guest-driver.ts';
import {
  createMemoryStorage,
  hashTreeOf,
  type MemoryStorage,
} from '../packages/trusted/monitor/src/testing/memory-storage.ts';
import { type Bench, type Measurement, reported } from './measurement.ts';

const DISK_BYTES = 32 * 2 ** 20;
const SEALS = ['aes-256-gcm', 'none'] as const;
const STEPS = ['read of the base', 'write', 'read of what was written'] as const;
const SIZES = [128 * 1024, BLOCK_BYTES] as const;

interface Bed extends DiskBench {
  readonly storage: MemoryStorage;
}

function bed(seal: (typeof SEALS)[number]): Bed {
  const base = new Uint8Array(DISK_BYTES).map((_, i) => i >> 3);
  const { file, rootHash } = hashTreeOf(base);
  const backing = { kind: 'overlay', base: 0, overlay: 1, tree: { store: 2, rootHash } } as const;
  const config = { kind: 'block', sectors: DISK_BYTES / SECTOR_BYTES, readOnly: false, backing } as const;
  const bench = createGateBench([config], 64 << 20, undefined, seal === 'none' ? NO_SEAL : undefined);
  const storage = createMemoryStorage(
    [
      [0, base],
      [1, new Uint8Array((DISK_BYTES / BLOCK_BYTES) * SEALED_BLOCK_BYTES)],
      [2, file],
    ],
    bench.area,
  );
  return { ...bench, device: startDevice(bench.guest, 0, FEATURE.indirect), storage };
}

/** Microseconds of the monitor's thread for each request of `bytes`, messages to bytes and back with them, storage without. */
function measure(b: Bed, step: (typeof STEPS)[number], bytes: number): number {
  let spent = 0;
  const data = { address: allocate(b.guest, bytes), length: bytes, writable: step !== 'write' };
  const free = b.guest.free;
  const requests = Math.min(2048, DISK_BYTES / bytes);
  for (let i = 0; i < requests; i += 1) {
    b.guest.free = free;
    let from = performance.now();
    const status = ask(
      b,
      step === 'write' ? BLOCK_TYPE.write : BLOCK_TYPE.read,
      (i * bytes) / SECTOR_BYTES,
      data,
      65_536,
    );
    for (let message = b.sent.shift(); message !== undefined; message = b.sent.shift()) {
      if (message.kind !== 'block.request') continue;
      fromMachine.encode(message);
      spent += performance.now() - from;
      const frame = toMachine.encode(b.storage.answer(message));
      from = performance.now();
      const reply = toMachine.decode(frame);
      if (reply?.kind === 'block.reply') gateReplied(b.gate, reply);
    }
    spent += performance.now() - from;
    if (statusAt(b, status) !== 0) throw new Error(`A ${step} failed`);
  }
  return (1000 * spent) / requests;
}

/** What sealing and checking cost the gate: the same requests sealed, and without a seal beside them. */
export const gateBench: Bench = async ({ quick }) => {
  const found = new Map<string, Record<string, number[]>>();
  for (let run = 0; run < (quick ? 3 : 11); run += 1)
    for (const bytes of SIZES)
      for (const seal of SEALS) {
        const b = bed(seal);
        for (const step of STEPS) {
          const name = `${step}, ${bytes / 1024} KiB, us`;
          const entry = found.get(name) ?? { 'aes-256-gcm': [], none: [] };
          found.set(name, entry);
          entry[seal]!.push(measure(b, step, bytes));
        }
      }
  return [...found].map(([name, entry]): Measurement => reported('gate', name, entry['aes-256-gcm']!, entry.none!));
};
