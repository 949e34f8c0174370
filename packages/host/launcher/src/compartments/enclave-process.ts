import { setFlagsFromString } from 'node:v8';
import { nodePrimitives } from '@cloister/crypto';
import { serve } from '@cloister/enclave';
import { inherit } from './inherit.ts';

// V8 optimizes what has run four times as long as it would: a sample's audit is over before optimized code pays for its
// compiler (0.07 s of CPU instead of 0.14 for 460 blocks), and tagging goes on long enough. Newer ones have a
// quicker compiler for that, Maglev, and no such option.
if (Number.parseInt(process.versions.v8, 10) < 12) setFlagsFromString('--interrupt-budget=270336');

inherit(({ links }, leave) => {
  void serve(links[0]!, nodePrimitives, Date.now).then(leave);
  return {};
});
