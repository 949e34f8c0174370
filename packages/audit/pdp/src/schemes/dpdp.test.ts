import { dynamicLaws } from '../testing/dynamic-laws.ts';
import { withFixedPrimes } from '../testing/fixed-primes.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { dpdp } from './dpdp.ts';

const settings = {
  scheme: (primitives: Parameters<typeof dpdp>[0]) => dpdp(withFixedPrimes(primitives)),
  blockBytes: 64,
  keys: { modulusBits: 512, insecure: true },
};
schemeLaws('dpdp', settings);
dynamicLaws('dpdp', { ...settings, provesUpdates: true });
