import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { runQemu } from './run-qemu.ts';

/** A new seed each day, printed: the quick form of `npm run full -- fuzz`. */
const seed = Math.floor(Date.now() / 86_400_000);

test(`random programs end here as in QEMU (seed ${seed})`, () => {
  console.log(`fuzz: seed ${seed}`);
  const { differences, retired } = fuzz({ seed, programs: 3000, peer: runQemu });
  expect(
    differences.map(({ program, fields, shrunk }) => ({
      number: program.number,
      fields: fields.slice(0, 3),
      body: shrunk.listing,
    })),
  ).toEqual([]);
  expect(retired).toBeGreaterThan(400_000);
}, 120_000);
