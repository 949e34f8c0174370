export type { ExitCounts } from './exit-counts.ts';
export { createMonitor, type Monitor, type MonitorConfig } from './monitor.ts';
export { NO_SEAL } from './seal/no-seal.ts';
