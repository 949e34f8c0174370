export type { BackingConfig } from './io-gate/block/backing.ts';
export type { DeviceConfig } from './io-gate/gate.ts';
export type { Entry } from './machine.ts';
export { createMonitor, type Monitor, type MonitorConfig } from './monitor.ts';
export type { SealKind } from './seal/block-seal.ts';
