import { type SchedulerSettings, start } from '@cloister/scheduler';
import { inherit } from './inherit.ts';

inherit<SchedulerSettings>(({ settings, links }) => {
  start(links, settings);
  return {};
});
