import { start } from '@cloister/slice';
import { inherit } from './inherit.ts';

inherit(({ links }) => {
  const [machine, storage, scheduler, client] = links;
  start({ machine: machine!, storage: storage!, scheduler: scheduler!, client: client! });
  return {};
});
