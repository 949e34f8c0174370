export { type BlockService, start } from './main.ts';
export type { Files, Store } from './store.ts';
