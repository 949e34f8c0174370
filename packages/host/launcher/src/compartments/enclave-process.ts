import { nodePrimitives } from '@cloister/crypto';
import { serve } from '@cloister/enclave';
import { inherit } from './inherit.ts';

inherit(({ links }, leave) => {
  void serve(links[0]!, nodePrimitives, Date.now).then(leave);
  return {};
});
