import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type Blob, expectedLaunchDigest, KERNEL_HEAD_BYTES, planBoot } from '@cloister/boot-plan';
import { describePlatform } from '@cloister/protocol';
import { LaunchError } from './launch-error.ts';
import type { StorePlan } from './plan-stores.ts';
import type { VirtualMachineConfig } from './virtual-machine.ts';

const HARTS = 1;

/**
 * The digest that the machine must have when its guest starts, in hexadecimal: of this very kernel, initrd, firmware,
 * command line and device tree at their places, computed here from the files and never asked of a slice.
 * @param bytes lengths of the stores
 * @throws LaunchError for what cannot be booted, with the line that the slice would say
 */
export async function launchDigest(
  config: VirtualMachineConfig,
  stores: StorePlan,
  bytes: readonly number[],
): Promise<string> {
  const files = new Map<Blob, FileHandle>();
  const lengthOf = (blob: Blob): number => (stores[blob] === undefined ? 0 : bytes[stores[blob]]!);
  const read = async (blob: Blob, offset: number, length: number): Promise<Uint8Array> => {
    let file = files.get(blob);
    if (file === undefined) {
      file = await openStore(stores, blob);
      files.set(blob, file);
    }
    const out = new Uint8Array(length);
    const { bytesRead } = await file.read(out, 0, length, offset);
    if (bytesRead < length) throw new LaunchError('file', `${stores.names[stores[blob]!]} became shorter`);
    return out;
  };
  try {
    const wish = {
      commandLine: config.commandLine,
      kernelBytes: lengthOf('kernel'),
      initrdBytes: lengthOf('initrd'),
      firmwareBytes: lengthOf('firmware'),
    };
    const head = await read('kernel', 0, Math.min(wish.kernelBytes, KERNEL_HEAD_BYTES));
    const planned = planBoot(describePlatform(HARTS, config.memoryBytes), wish, head);
    if (!planned.ok) throw new LaunchError('refused', planned.reason);
    const sha256 = (data: Uint8Array): Uint8Array => createHash('sha256').update(data).digest();
    return Buffer.from(await expectedLaunchDigest(planned.plan, { read, sha256 })).toString('hex');
  } finally {
    for (const file of files.values()) await file.close();
  }
}

const openStore = (stores: StorePlan, blob: Blob): Promise<FileHandle> =>
  open(stores.requests[stores[blob]!]!.path, 'r');
