export type { ExitCounts } from './exit-counts.ts';
export type { BackingConfig } from './io-gate/block/backing.ts';
export type { DeviceConfig } from './io-gate/gate.ts';
export { createMonitor, type Monitor, type MonitorConfig } from './monitor.ts';
export { NO_SEAL } from './seal/no-seal.ts';
