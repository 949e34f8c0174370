import { closeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { start as startSlice } from '@cloister/slice';
import { start as startStorage } from '@cloister/storage';
import { bundleUrl } from './bundles.ts';
import { memoryChannel } from './channels/memory-channel.ts';
import { newMachineId } from './client/compartments.ts';
import { LaunchError } from './client/launch-error.ts';
import type { StartParts } from './client/running-parts.ts';
import { startMachine } from './compartments/machine.ts';
import { closeStores, type OpenStore, openPayloadArea, openStores, StoreError } from './privileged/open-stores.ts';

/**
 * All parts of a VM in this process, over channels of copied bytes, without encryption: the baseline that says what
 * protection costs. It protects nobody from anything.
 */
export const startMonolithic: StartParts = async (plan, settle, options) => {
  let stores: OpenStore[];
  try {
    stores = openStores(plan.requests);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new LaunchError('refused', `${plan.names[error.store]} ${error.message}`);
  }
  const [machineEnd, sliceToMachine] = memoryChannel();
  const [sliceToStorage, storageEnd] = memoryChannel();
  const [control, sliceToClient] = memoryChannel();
  let settleFailed: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    settleFailed = resolve;
  });
  const area = openPayloadArea();
  const closeFiles = (): void => {
    closeStores(stores);
    closeSync(area);
  };
  try {
    const machine = startMachine({
      ...(await settle(stores.map(({ bytes }) => bytes))),
      channel: machineEnd,
      area,
      seal: 'none',
      hart: options.builds?.hart === undefined ? bundleUrl('hart') : pathToFileURL(options.builds.hart),
      log: options.log ?? (() => undefined),
      failed: settleFailed,
      retired: options.retired ?? (() => undefined),
    });
    const storage = startStorage(storageEnd, { stores, area });
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
        closeFiles();
      },
    };
  } catch (error) {
    closeFiles();
    throw error;
  }
};
