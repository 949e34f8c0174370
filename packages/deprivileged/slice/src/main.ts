export { start } from './slice.ts';
