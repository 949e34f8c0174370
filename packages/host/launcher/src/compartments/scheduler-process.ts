import { type MachineClaim, type SchedulerSettings, start } from '@cloister/scheduler';
import { inherit } from './inherit.ts';

inherit<SchedulerSettings>(({ settings, links }) => {
  const { claim } = start(links, settings);
  return { renewed: (link, settings) => claim(link, settings as MachineClaim) };
});
