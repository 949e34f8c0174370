import { pathToFileURL } from 'node:url';
import { start as startSlice } from '@cloister/slice';
import { type Store, start as startStorage } from '@cloister/storage';
import { bundleUrl } from './bundles.ts';
import { memoryChannel } from './channels/memory-channel.ts';
import { newMachineId } from './client/compartments.ts';
import type { StartParts } from './client/running-parts.ts';
import { prepareStores, storeError } from './client/stores.ts';
import { startMachine } from './compartments/machine.ts';
import { closeFile, openFile } from './privileged/capability.ts';

/**
 * All parts of a VM in this process, over channels of copied bytes, without encryption: the baseline that says what
 * protection costs. It protects nobody from anything.
 */
export const startMonolithic: StartParts = async (plan, settle, options) => {
  const prepared = prepareStores(plan);
  const open: number[] = [];
  const stores: Store[] = [];
  const openAt = (path: string, writable: boolean): number => {
    open.push(openFile(path, writable));
    return open.at(-1)!;
  };
  const closeFiles = (): void => open.forEach(closeFile);
  let area: number;
  try {
    prepared.stores.forEach(({ path, ...store }, at) => {
      try {
        stores.push({ ...store, descriptor: openAt(path, store.writable) });
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw storeError(plan.names[at]!, store.writable, code ?? 'unknown error');
      }
    });
    area = openAt(prepared.area, true);
  } catch (error) {
    closeFiles();
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
