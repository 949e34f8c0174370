export type { Connection } from './connection.ts';
export { createToolstack, type Toolstack } from './toolstack.ts';
