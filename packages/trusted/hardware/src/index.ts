export * from './board.ts';
export type { Entry } from './hart/boot.ts';
export type { HartMessage } from './hart/worker.ts';
export { memoryPages, PAGE_BYTES, RAM_OFFSET } from './layout.ts';
export * from './memory-map.ts';
export { FRAME, frameFlags, markWritten } from './mmu/frame.ts';
export { flushHart } from './mmu/tlb.ts';
