/** What an attack on a bench has in its hands: the parts under attack, as they are built, and benches to hold them. */

export * as scheduler from '../../packages/deprivileged/scheduler/src/main.ts';
export { sliceBench } from '../../packages/deprivileged/slice/src/testing/slice-bench.ts';
export * as storage from '../../packages/deprivileged/storage/src/main.ts';
export { builderOver } from '../../packages/host/images/src/builder/builder.ts';
export { openSession } from '../../packages/host/images/src/builder/session.ts';
export { createChannelEnd } from '../../packages/host/launcher/src/channels/channel-end.ts';
export { memoryChannel } from '../../packages/host/launcher/src/channels/memory-channel.ts';
export { streamChannel } from '../../packages/host/launcher/src/channels/stream-channel.ts';
export { createHostPort } from '../../packages/host/launcher/src/client/host-port.ts';
export * as protocol from '../../packages/protocol/src/index.ts';
export { runInstructions } from '../../packages/trusted/hardware/src/hart/run.ts';
export { assembledMachine } from '../../packages/trusted/hardware/src/hart/testing/assembled-machine.ts';
export * as hardware from '../../packages/trusted/hardware/src/index.ts';
export * as gate from '../../packages/trusted/monitor/src/io-gate/gate.ts';
export { ask, BLOCK_TYPE, room, statusAt } from '../../packages/trusted/monitor/src/testing/block-driver.ts';
export { createGateBench } from '../../packages/trusted/monitor/src/testing/gate-bench.ts';
export * as driver from '../../packages/trusted/monitor/src/testing/guest-driver.ts';
export { createMemoryStorage, hashTreeOf } from '../../packages/trusted/monitor/src/testing/memory-storage.ts';
export { monitorBench, sharedMemory } from '../../packages/trusted/monitor/src/testing/monitor-bench.ts';
