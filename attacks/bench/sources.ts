/** Where the checks stand. */
const MONITOR = 'packages/trusted/monitor/src';
export const monitor = (file: string): string => `${MONITOR}/${file}`;
export const gate = (file: string): string => `${MONITOR}/io-gate/${file}`;
export const hardware = (file: string): string => `packages/trusted/hardware/src/${file}`;
export const protocol = (file: string): string => `packages/protocol/src/${file}`;
export const launcher = (file: string): string => `packages/host/launcher/src/${file}`;
export const storage = (file: string): string => `packages/deprivileged/storage/src/${file}`;
export const scheduler = (file: string): string => `packages/deprivileged/scheduler/src/${file}`;
export const slice = (file: string): string => `packages/deprivileged/slice/src/${file}`;
export const images = (file: string): string => `packages/host/images/src/${file}`;
