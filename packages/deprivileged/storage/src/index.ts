export { type BlockService, start } from './main.ts';
export type { Store } from './store.ts';
