export { type MachineClaim, type SchedulerSettings, start } from './main.ts';
