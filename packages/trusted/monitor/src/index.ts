export type { ExitCounts } from './exit-counts.ts';
export type { DeviceConfig } from './io-gate/gate.ts';
export { createMonitor, type Monitor, type MonitorConfig } from './monitor.ts';
