import { toMachine } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { mutate, randomFrom } from '../../../protocol/src/testing/mutate.ts';
import { TO_MACHINE_SAMPLES } from '../../../protocol/src/testing/sample-messages.ts';
import { monitorBench, sharedMemory } from './testing/monitor-bench.ts';

test('no bytes from a slice make it throw, start a hart twice or flood', async () => {
  const seed = 20261125;
  const random = randomFrom(seed);
  const frames = Object.values(TO_MACHINE_SAMPLES).map((message) => toMachine.encode(message));
  const b = monitorBench(sharedMemory(64 << 20), {
    devices: [
      { kind: 'console', names: ['a', 'b'] },
      { kind: 'rng' },
      { kind: 'block', sectors: 2048, readOnly: false, backing: { kind: 'raw', store: 0 } },
    ],
  });
  const served = b.monitor.run();
  for (let i = 0; i < 100_000; i += 1) {
    const sample = frames[random(frames.length)]!;
    const frame = random(4) === 0 ? sample : mutate(random, sample);
    try {
      b.sayBytes(frame);
    } catch (error) {
      expect({ seed, case: i, frame: Buffer.from(frame).toString('hex'), error }).toBeUndefined();
    }
    b.logged.length = 0;
    // Each call has at most two answers: what a port took, and what a refusal says.
    expect(b.take().length).toBeLessThanOrEqual(2);
  }
  expect(b.started.length).toBe(1);
  b.monitor.stop();
  await served;
});
