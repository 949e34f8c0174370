export type { BlockService } from './block-service.ts';
export { type DiskBinding, start } from './main.ts';
