import { closeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { start as startSlice } from '@cloister/slice';
import { type Store, start as startStorage } from '@cloister/storage';
import { bundleUrl } from './bundles.ts';
import { memoryChannel } from './channels/memory-channel.ts';
import { newMachineId } from './client/compartments.ts';
import type { StorePlan } from './client/plan-stores.ts';
import type { StartParts } from './client/running-parts.ts';
import { prepareStores, storeError } from './client/stores.ts';
import { startMachine } from './compartments/machine.ts';
import { openFile } from './privileged/capability.ts';

/**
 * All parts of a VM in this process, over channels of copied bytes, without encryption: the baseline that says what
 * protection costs. It protects nobody from anything.
 */
export const startMonolithic: StartParts = async (plan, settle, options) => {
  const prepared = prepareStores(plan);
  const stores: Store[] = [];
  const closeStores = (): void => {
    for (const { descriptor } of stores) closeSync(descriptor);
  };
  try {
    prepared.stores.forEach(({ path, ...store }, at) => {
      stores.push({ ...store, descriptor: openAt(plan, at, path, store.writable) });
    });
  } catch (error) {
    closeStores();
    throw error;
  } finally {
    prepared.unlink();
  }
  const [machineEnd, sliceToMachine] = memoryChannel();
  const [sliceToStorage, storageEnd] = memoryChannel();
  const [control, sliceToClient] = memoryChannel();
  let settleFailed: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    settleFailed = resolve;
  });
  try {
    const machine = startMachine({
      ...(await settle(stores.map(({ bytes }) => bytes))),
      channel: machineEnd,
      seal: 'none',
      hart: options.builds?.hart === undefined ? bundleUrl('hart') : pathToFileURL(options.builds.hart),
      log: options.log ?? (() => undefined),
      failed: settleFailed,
      retired: options.retired ?? (() => undefined),
    });
    const storage = startStorage(storageEnd, stores);
    startSlice({
      machine: sliceToMachine,
      storage: sliceToStorage,
      client: sliceToClient,
    });
    return {
      id: options.id ?? newMachineId(),
      control,
      onStop: undefined,
      failed,
      async stop() {
        await machine.stop();
        await storage.settled();
        for (const channel of [machineEnd, sliceToStorage, control]) channel.close('The run is over');
        closeStores();
      },
    };
  } catch (error) {
    closeStores();
    throw error;
  }
};

function openAt({ names }: StorePlan, at: number, path: string, writable: boolean): number {
  try {
    return openFile(path, writable);
  } catch (error) {
    throw storeError(names[at]!, writable, (error as NodeJS.ErrnoException).code ?? 'unknown error');
  }
}
