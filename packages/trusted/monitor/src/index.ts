export type { ExitCounts } from './exit-counts.ts';
export type { BackingConfig } from './io-gate/block/backing.ts';
export type { DeviceConfig } from './io-gate/gate.ts';
export { createMonitor, type Monitor, type MonitorConfig } from './monitor.ts';
export type { SealKind } from './seal/block-seal.ts';
