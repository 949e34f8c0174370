import { serve } from '@cloister/builder';
import { inherit } from './inherit.ts';

inherit(({ links }, leave) => {
  void serve(links[0]!).then(leave);
  return {};
});
