import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockRequest, Channel, ChannelListener, FromStorage } from '@cloister/protocol';
import type { Attack } from '../attack.ts';
import { type BenchAttack, type Kit, onBench } from '../bench/on-bench.ts';
import { storage } from '../bench/sources.ts';
import { newFolder } from '../build.ts';

const CARRY = storage('carry-out.ts');

const attack = (
  variant: Pick<BenchAttack, 'attack' | 'check' | 'edits' | 'act' | 'target'> & { source?: string },
): Attack => onBench({ from: 'slice', source: 'isolation.md B1; issue 5, judged point 2', ...variant });

/** The service itself over files on disk, asked by a slice that says what it likes. */
export function serve(
  kit: Kit,
  files: readonly { readonly bytes: number; readonly writable?: boolean; readonly growable?: boolean }[],
  access?: Parameters<Kit['storage']['start']>[2],
) {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  const paths = files.map((_, i) => join(folder, `store-${i}`));
  const stores = files.map(({ bytes, writable = true, growable = false }, i) => {
    writeFileSync(paths[i]!, growable ? '' : new Uint8Array(bytes).fill(0x10 + i));
    return { descriptor: openSync(paths[i]!, 'r+'), bytes, growable, writable, durable: true };
  });
  let listener: ChannelListener | undefined;
  let closed: string | undefined;
  const replies: FromStorage[] = [];
  const channel: Channel = {
    send: (frame) => void replies.push(kit.protocol.fromStorage.decode(frame.slice())!),
    queuedBytes: 0,
    get closed() {
      return closed;
    },
    listen: (next) => {
      listener = next;
    },
    close: (reason) => {
      closed ??= reason;
    },
  };
  const areaPath = join(folder, 'area');
  writeFileSync(areaPath, '');
  const area = openSync(areaPath, 'r+');
  const service = kit.storage.start(channel, { stores, area }, access);
  return {
    replies,
    closed: () => closed,
    say(request: Partial<BlockRequest>) {
      const whole = { store: 0, at: 0, operation: 'read' as const, offset: 0, length: 0 };
      if (closed === undefined)
        listener!.frame(kit.protocol.toStorage.encode({ kind: 'block.request', ...whole, ...request }));
    },
    renew: () => listener!.renewed!(),
    settled: () => service.settled(),
    contents: (store: number) => readFileSync(paths[store]!),
    sizes: () => stores.map(({ descriptor }) => fstatSync(descriptor).size),
    /** The payload area, and what a machine leaves at its start. */
    area: () => readFileSync(areaPath),
    leave: (bytes: Uint8Array) => void writeSync(area, bytes, 0, bytes.length, 0),
    end: () => {
      for (const descriptor of [...stores.map((store) => store.descriptor), area]) closeSync(descriptor);
    },
  };
}

const WRITE = { operation: 'write', length: 4096 } as const;

const EVIL = new Uint8Array(4096).fill(0xee);
const nothing = async (): Promise<void> => undefined;

/** A slice that asks storage for what is not its VM's. */
export const STORAGE: readonly Attack[] = [
  attack({
    attack: 'B1 storage writes far beyond a store, to fill the host’s disk',
    target: 'the host’s disk',
    check: 'a request lies in its store',
    edits: [[CARRY, 'offset + length > store.bytes || ', '']],
    async act(kit) {
      const service = serve(kit, [{ bytes: 65_536, growable: true }]);
      service.leave(EVIL);
      for (const offset of [65_536, 2 ** 30, 2 ** 36, 61_441]) service.say({ ...WRITE, offset });
      await service.settled();
      const [size] = service.sizes();
      service.end();
      return { effect: size! > 65_536, how: `a store of 65536 bytes has ${size}` };
    },
  }),
  attack({
    attack: 'B1 a store that may be read alone is written',
    target: 'an image',
    check: 'a store is writable or not',
    edits: [[CARRY, 'return writable && length > 0', 'return length > 0']],
    async act(kit) {
      const service = serve(kit, [{ bytes: 65_536, writable: false }]);
      service.leave(EVIL);
      service.say(WRITE);
      await service.settled();
      const [first] = service.contents(0);
      service.end();
      return { effect: first === 0xee, how: `the image begins with 0x${first!.toString(16)}` };
    },
  }),
  attack({
    attack: 'B1 a payload is left far beyond the payload area, to fill the host’s memory',
    target: 'the host’s memory',
    check: 'a payload lies in its area',
    edits: [[CARRY, 'if (request.at + length > PAYLOAD_AREA_BYTES) return undefined;', '']],
    async act(kit) {
      const service = serve(kit, [{ bytes: 65_536 }]);
      const end = kit.protocol.PAYLOAD_AREA_BYTES;
      for (const at of [end, end - 511, 2 * end, 4 * end]) service.say({ length: 512, at });
      await service.settled();
      const size = service.area().length;
      service.end();
      return { effect: size > end, how: `an area of ${end} bytes has ${size}` };
    },
  }),
  attack({
    attack: 'B1 a thousand requests more than storage takes',
    target: 'the memory that all VMs’ storage has',
    check: 'a slice has so many requests under way',
    edits: [[storage('main.ts'), 'underWay.size + (held?.length ?? 0) >= REQUESTS_MAX', 'false']],
    async act(kit) {
      let waiting = 0;
      const never = (): Promise<never> => {
        waiting += 1;
        return new Promise(() => undefined);
      };
      const files = { readNow: () => 0, writeNow: () => undefined, readAt: never, writeAt: never, sync: never };
      const service = serve(kit, [{ bytes: 65_536 }], files);
      for (let i = 0; i < 4000; i += 1) service.say({ operation: 'flush' });
      service.end();
      return { effect: waiting > 2000, how: `${waiting} requests under way, closed: ${service.closed()}` };
    },
  }),
  attack({
    attack: 'B1 a read beyond a file’s end gives what an earlier read left',
    target: 'what was read before',
    source: 'isolation.md G2 (CVE-2024-8612)',
    check: 'what a growable file has not reads as zeros',
    edits: [[CARRY, 'bytes.fill(0, found);', '']],
    async act(kit) {
      // All reads pass through the same room.
      const length = kit.protocol.STORE_PAYLOAD_BYTES_MAX;
      const service = serve(kit, [{ bytes: length }, { bytes: length, growable: true }]);
      for (const store of [0, 1]) {
        service.say({ store, length });
        await service.settled();
      }
      const [found] = service.area();
      service.end();
      return { effect: found !== 0, how: `an empty file begins with 0x${found!.toString(16)}` };
    },
  }),
  attack({
    attack: 'B1 an answer to the slice before goes to its successor',
    target: 'its successor’s boot',
    source: 'issue 5 §8; isolation.md F',
    check: 'an answer is for the slice that asked',
    edits: [[storage('main.ts'), 'if (asker === slice)', 'if (asker <= slice)']],
    async act(kit) {
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const files = { readNow: () => 0, writeNow: () => undefined, readAt: async () => 0, writeAt: nothing };
      const service = serve(kit, [{ bytes: 65_536 }], { ...files, sync: () => gate });
      service.say({ at: 5, operation: 'flush' });
      service.renew();
      release();
      await service.settled();
      service.end();
      return {
        effect: service.replies.length > 0,
        how: `${service.replies.length} answers that the new slice never asked for`,
      };
    },
  }),
];
