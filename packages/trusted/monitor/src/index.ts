export type { DeviceConfig } from './io-gate/gate.ts';
export type { Entry } from './machine.ts';
export { createMonitor, type Monitor, type MonitorConfig } from './monitor.ts';
