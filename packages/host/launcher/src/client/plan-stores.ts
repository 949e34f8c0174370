import type { BootFile, DiskConfig, VirtualMachineConfig } from './virtual-machine.ts';

export interface StoreRequest {
  /** A regular file. */
  readonly path: string;
  /** `temporary`: an empty file of our own making, gone with the VM; `path` is ignored. */
  readonly access: 'read' | 'write' | 'temporary';
  /** Of a temporary one: the store for whose blocks, sealed, it has room. */
  readonly over?: number;
  /** A flush reaches the disk. */
  readonly durable: boolean;
}

/** The files of a VM by their numbers at storage, and what each is for. */
export interface StorePlan {
  readonly requests: readonly StoreRequest[];
  /** What a person calls each store, for messages: `The disk "a.img"`. */
  readonly names: readonly string[];
  readonly kernel: number;
  readonly initrd: number | undefined;
  readonly firmware: number | undefined;
  readonly disks: readonly DiskStores[];
}

export interface DiskStores {
  readonly config: DiskConfig;
  readonly data: number;
  /** For a disk whose writes are discarded. */
  readonly overlay: number | undefined;
  /** For one that is checked. */
  readonly tree: number | undefined;
}

/** @param pathOf where the bytes of a boot file lie */
export function planStores(config: VirtualMachineConfig, pathOf: (file: BootFile) => string): StorePlan {
  const requests: StoreRequest[] = [];
  const names: string[] = [];
  const add = (name: string, path: string, access: 'read' | 'write', durable = false): number => {
    names.push(`The ${name} "${path}"`);
    return requests.push({ path, access, durable }) - 1;
  };
  const addOverlay = (over: number): number => {
    names.push('The overlay');
    return requests.push({ path: '', access: 'temporary', durable: false, over }) - 1;
  };
  const boot = (name: string, file: BootFile | undefined): number | undefined =>
    file === undefined ? undefined : add(name, pathOf(file), 'read');
  return {
    requests,
    names,
    kernel: boot('kernel', config.kernel)!,
    initrd: boot('initrd', config.initrd),
    firmware: boot('firmware', config.firmware),
    disks: (config.disks ?? []).map((disk) => {
      const { path, readOnly = false, writes, tree } = disk;
      const inPlace = !readOnly && writes !== 'discard';
      const data = add('disk', path, inPlace ? 'write' : 'read', writes === 'direct');
      return {
        config: disk,
        data,
        overlay: readOnly || inPlace ? undefined : addOverlay(data),
        tree: tree === undefined || readOnly || inPlace ? undefined : add('hash tree', tree.path, 'read'),
      };
    }),
  };
}
