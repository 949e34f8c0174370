import { setFlagsFromString } from 'node:v8';
import { nodePrimitives } from '@cloister/crypto';
import { serve } from '@cloister/enclave';
import { inherit } from './inherit.ts';

// V8 optimizes what has run for sixteen times as long as it would: an audit is over before the code that V8 makes pays for the
// compiler, and tagging goes on long enough.
setFlagsFromString('--interrupt-budget=1081344');

inherit(({ links }, leave) => {
  void serve(links[0]!, nodePrimitives, Date.now).then(leave);
  return {};
});
