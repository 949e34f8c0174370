export * from './channel.ts';
export * from './control-channel.ts';
export * from './device/block.ts';
export * from './device/console.ts';
export * from './framing.ts';
export * from './hypelet-calls.ts';
export { FIRMWARE_INFO_BYTES, LAUNCH_UPDATE_BYTES_MAX, RNG_SEED_BYTES } from './launch.ts';
export * from './machine-channel.ts';
export * from './storage-channel.ts';
