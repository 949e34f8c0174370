import { expect, test } from 'vitest';
import { fuzzHypelet } from './command.ts';

test('a hostile slice gets from the machine what the model says, and nothing else', () => {
  const seed = 20261125;
  const { faults, sequences, messages, decoded, accepted } = fuzzHypelet(4000, seed);
  expect(faults).toEqual([]);
  expect(sequences).toBe(4000);
  expect(decoded / messages).toBeGreaterThan(0.5);
  // Each kind of message is carried out, and often: a fuzzer that is refused everywhere shows nothing.
  const kinds = [
    'hart.init',
    'hart.run',
    'state.read',
    'state.write',
    'csr.read',
    'csr.write',
    'fence.vma',
    'frame.map',
  ];
  for (const kind of [...kinds, 'launch.finish', 'launch.update', 'block.reply'])
    expect(accepted[kind]).toBeGreaterThan(20);
});
