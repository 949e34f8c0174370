import { memoryPages } from '@cloister/hardware';
import { type Channel, type ChannelListener, toMachine } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { mutate, randomFrom } from '../../../protocol/src/testing/mutate.ts';
import { TO_MACHINE_SAMPLES } from '../../../protocol/src/testing/sample-messages.ts';
import { createMonitor } from './monitor.ts';

function bench() {
  const pages = memoryPages(64 << 20);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  const sent: Uint8Array[] = [];
  const logged: string[] = [];
  let listener: ChannelListener | undefined;
  let starts = 0;
  const channel: Channel = {
    send: (frame) => void sent.push(frame.slice()),
    queuedBytes: 0,
    closed: undefined,
    listen(next) {
      listener = next;
    },
    close: () => undefined,
  };
  const monitor = createMonitor({
    memory,
    harts: 1,
    devices: [
      { kind: 'console', names: ['a', 'b'] },
      { kind: 'rng' },
      { kind: 'block', sectors: 2048, readOnly: false, backing: { kind: 'raw', store: 0 } },
    ],
    channel,
    seal: 'aes-256-gcm',
    random: (length) => new Uint8Array(length).fill(0x5a),
    start: () => {
      starts += 1;
    },
    log: (line) => void logged.push(line),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  });
  return {
    memory,
    monitor,
    sent,
    logged,
    starts: () => starts,
    hear: (frame: Uint8Array) => listener!.frame(frame),
  };
}

test('no bytes from a slice make it throw, start a hart twice or flood', async () => {
  const seed = 20261125;
  const random = randomFrom(seed);
  const frames = Object.values(TO_MACHINE_SAMPLES).map((message) => toMachine.encode(message));
  const b = bench();
  const served = b.monitor.run();
  for (let i = 0; i < 100_000; i += 1) {
    const sample = frames[random(frames.length)]!;
    const frame = random(4) === 0 ? sample : mutate(random, sample);
    try {
      b.hear(frame);
    } catch (error) {
      expect({ seed, case: i, frame: Buffer.from(frame).toString('hex'), error }).toBeUndefined();
    }
    b.logged.length = 0;
    // Each call has at most two answers: what a port took, and what a refusal says.
    expect(b.sent.splice(0).length).toBeLessThanOrEqual(2);
  }
  expect(b.starts()).toBe(1);
  b.monitor.stop();
  await served;
});
