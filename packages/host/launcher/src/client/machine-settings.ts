import { BLOCK_BYTES, hashTreeLayout, SECTOR_BYTES, type ToSlice } from '@cloister/protocol';
import type { MachineSettings } from '../compartments/machine.ts';
import { LaunchError } from './launch-error.ts';
import type { StorePlan } from './plan-stores.ts';
import type { VirtualMachineConfig } from './virtual-machine.ts';

/**
 * What the machine is told of its devices, once the lengths of the stores are known.
 * @throws LaunchError for a disk that is no whole number of sectors
 */
export function machineSettings(
  config: VirtualMachineConfig,
  plan: StorePlan,
  bytes: readonly number[],
): MachineSettings {
  return {
    memoryBytes: config.memoryBytes,
    devices: [
      { kind: 'console', names: config.ports ?? [] },
      { kind: 'rng' },
      ...plan.disks.map(({ config: disk, data, overlay, tree }) => {
        const length = bytes[data]!;
        const unit = overlay === undefined ? SECTOR_BYTES : BLOCK_BYTES;
        if (length === 0 || length % unit !== 0)
          throw new LaunchError('file', `${plan.names[data]} has ${length} bytes, no multiple of ${unit}`);
        if (tree !== undefined && bytes[tree] !== hashTreeLayout(length / BLOCK_BYTES).blocks * BLOCK_BYTES)
          throw new LaunchError('file', `${plan.names[tree]} is none of the disk "${disk.path}"`);
        return {
          kind: 'block' as const,
          sectors: length / SECTOR_BYTES,
          readOnly: disk.readOnly ?? false,
          backing:
            overlay === undefined
              ? { kind: 'raw' as const, store: data }
              : {
                  kind: 'overlay' as const,
                  base: data,
                  tree: tree === undefined ? ('unverified' as const) : { store: tree, rootHash: disk.tree!.rootHash },
                  overlay,
                },
        };
      }),
    ],
  };
}

/** What the slice is told to boot. */
export function bootMessage(
  config: VirtualMachineConfig,
  plan: StorePlan,
  bytes: readonly number[],
): Extract<ToSlice, { kind: 'boot.start' }> {
  const lengthOf = (store: number | undefined): number => (store === undefined ? 0 : bytes[store]!);
  return {
    kind: 'boot.start',
    commandLine: config.commandLine,
    kernel: plan.kernel,
    kernelBytes: lengthOf(plan.kernel),
    initrd: plan.initrd ?? 0,
    initrdBytes: lengthOf(plan.initrd),
    firmware: plan.firmware ?? 0,
    firmwareBytes: lengthOf(plan.firmware),
  };
}
