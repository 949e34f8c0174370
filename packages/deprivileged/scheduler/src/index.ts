export { type MachineClaim, type Scheduler, type SchedulerSettings, start } from './main.ts';
