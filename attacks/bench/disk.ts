import type { BlockReply, BlockRequest } from '@cloister/protocol';
import type { BlockState } from '../../packages/trusted/monitor/src/io-gate/block/device.ts';
import type { FetchWatch } from '../../packages/trusted/monitor/src/io-gate/guest-memory.ts';
import type { DiskBench } from '../../packages/trusted/monitor/src/testing/block-driver.ts';
import type { MemoryStorage } from '../../packages/trusted/monitor/src/testing/memory-storage.ts';
import type { Kit } from './on-bench.ts';

export const BLOCK = 4096;
const BLOCKS = 256;
export const DISK_BYTES = BLOCKS * BLOCK;
/** Numbers of the stores. */
export const STORE = { base: 0, overlay: 1, tree: 2 } as const;

export const filled = (byte: number, length = BLOCK): Uint8Array => new Uint8Array(length).fill(byte);
export const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Each block of the base is filled with its number. */
export const baseDisk = (): Uint8Array => Uint8Array.from({ length: DISK_BYTES }, (_, i) => Math.floor(i / BLOCK));

/** What a guest asked for: its status byte (0xff until it is done), and its buffer. */
export interface Asked {
  status(): number;
  bytes(): Uint8Array;
}

export interface Disk extends DiskBench {
  readonly state: BlockState;
  readonly storage: MemoryStorage;
  /** Requests that have left, since the last call. */
  requests(): BlockRequest[];
  reply(answer: BlockReply): void;
  /** What lies in a request's place. */
  payload(request: BlockRequest): Uint8Array;
  /** A good answer to a request, after these bytes were left in its place. */
  good(request: BlockRequest, bytes?: Uint8Array): BlockReply;
  /** Answers as an honest storage does. */
  honest(request: BlockRequest): void;
  settle(): void;
  /** Asks for blocks; the buffer holds `before` until something is stored there. */
  read(block: number, count?: number, before?: number): Asked;
  write(block: number, bytes: Uint8Array): Pick<Asked, 'status'>;
}

/** A gate with one disk and a driver that has started it, and the storage that an honest slice would ask. */
export function openDisk(
  kit: Kit,
  kind: 'raw' | 'unverified' | 'checked',
  { watch, readOnly = false }: { watch?: FetchWatch; readOnly?: boolean } = {},
): Disk {
  const base = baseDisk();
  const tree = kit.hashTreeOf(base);
  const { base: store, overlay } = STORE;
  const backing =
    kind === 'raw'
      ? ({ kind, store } as const)
      : ({
          kind: 'overlay',
          base: store,
          overlay,
          tree: kind === 'checked' ? { store: STORE.tree, rootHash: tree.rootHash } : 'unverified',
        } as const);
  const bench = kit.createGateBench([{ kind: 'block', sectors: DISK_BYTES / 512, readOnly, backing }], 64 << 20, watch);
  const storage = kit.createMemoryStorage(
    [
      [STORE.base, base],
      [STORE.overlay, new Uint8Array(BLOCKS * kit.protocol.SEALED_BLOCK_BYTES)],
      [STORE.tree, tree.file],
    ],
    bench.area,
  );
  const { driver } = kit;
  const discard = 1n << 13n;
  const disk = { ...bench, device: driver.startDevice(bench.guest, 0, driver.FEATURE.indirect | discard) };
  const state = (bench.gate.devices[0] as Extract<(typeof bench.gate.devices)[number], { kind: 'block' }>).state;

  const requests = (): BlockRequest[] => bench.sent.splice(0) as BlockRequest[];
  const reply = (answer: BlockReply): void => kit.gate.gateReplied(bench.gate, answer);
  const payload = ({ at, length }: BlockRequest): Uint8Array => bench.area.slice(at, at + length);
  const good = ({ store: of, at }: BlockRequest, bytes: Uint8Array = new Uint8Array(0)): BlockReply => {
    bench.area.set(bytes, at);
    return { kind: 'block.reply', store: of, at, ok: true };
  };
  const honest = (request: BlockRequest): void => reply(storage.answer(request));
  const settle = (): void => {
    for (let next = requests(); next.length > 0; next = requests()) for (const request of next) honest(request);
  };
  return {
    ...disk,
    state,
    storage,
    requests,
    reply,
    payload,
    good,
    honest,
    settle,
    read(block, count = 1, before = 0x77) {
      const buffer = kit.room(disk, count * BLOCK, true);
      driver.put(bench.guest, buffer.address, filled(before, count * BLOCK));
      const status = kit.ask(disk, kit.BLOCK_TYPE.read, block * 8, buffer);
      return {
        status: () => kit.statusAt(disk, status),
        bytes: () => driver.get(bench.guest, buffer.address, count * BLOCK),
      };
    },
    write(block, bytes) {
      const buffer = kit.room(disk, bytes.length, false);
      driver.put(bench.guest, buffer.address, bytes);
      const status = kit.ask(disk, kit.BLOCK_TYPE.write, block * 8, buffer);
      return { status: () => kit.statusAt(disk, status) };
    },
  };
}
/** What a guest found when it read a block: what it says for a reader. */
export const seen = (read: Asked): string => `status ${read.status()}, first byte 0x${read.bytes()[0]!.toString(16)}`;
