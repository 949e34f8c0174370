import type { BlockReply } from '@cloister/protocol';
import { openMachine, RAM } from './machine.ts';
import type { Kit } from './on-bench.ts';

/** A machine, a slice and a storage, all honest, whose messages are carried one at a time by a proxy. */
export function createRelay(kit: Kit) {
  const { protocol } = kit;
  const machine = openMachine(kit, {
    devices: [
      {
        kind: 'block',
        sectors: 64,
        readOnly: false,
        backing: { kind: 'overlay', base: 0, tree: 'unverified', overlay: 1 },
      },
    ],
  });
  const storage = kit.createMemoryStorage(
    [
      [0, new Uint8Array(32_768)],
      [1, new Uint8Array(65_536)],
    ],
    machine.area,
  );
  let slice = kit.sliceBench();
  let up: Uint8Array[] = [];
  let down: Uint8Array[] = [];
  let asked: Uint8Array[] = [];
  let answers: BlockReply[] = [];
  const collect = (): void => {
    machine.monitor.look();
    down.push(...machine.take().map((message) => protocol.fromMachine.encode(message)));
    up.push(...slice.machine.sent.splice(0));
    asked.push(...slice.storage.sent.splice(0));
  };
  const answer = (frame: Uint8Array): void => {
    const request = protocol.toStorage.decode(frame);
    if (request?.kind === 'block.request') answers.push(storage.answer(request));
  };
  machine.renew();

  const { guest } = machine;
  const device = kit.driver.startDevice(guest, 0, 0n, 16);
  const request = (type: number, block: number, byte: number) => {
    const header = kit.driver.allocate(guest, 16);
    guest.view.setUint32(header - RAM, type, true);
    guest.view.setUint32(header - RAM + 8, 8 * block, true);
    const data = kit.driver.allocate(guest, 4096);
    kit.driver.put(guest, data, new Uint8Array(4096).fill(byte));
    const status = kit.driver.allocate(guest, 1);
    kit.driver.put(guest, status, Uint8Array.of(0xff));
    kit.driver.addChain(guest, device.queues[0]!, [
      { address: header, length: 16, writable: false },
      { address: data, length: 4096, writable: type === 0 },
      { address: status, length: 1, writable: true },
    ]);
    guest.bus.ring(0, 0);
    return { status: () => kit.driver.get(guest, status, 1)[0]!, byte: () => kit.driver.get(guest, data, 1)[0]! };
  };
  return {
    /** The payload area. */
    area: machine.area,
    disk: {
      write: (block: number, byte: number) => request(1, block, byte).status,
      read: (block: number) => request(0, block, 0x77),
    },
    answer,
    reply: (reply: BlockReply): void => void answers.push(reply),
    /** Carries one message; false when nobody has anything to say. What `held` gets of storage's answers goes no further. */
    step(seen?: (asked: Uint8Array) => void, held?: (reply: BlockReply) => void): boolean {
      collect();
      const next = down.shift();
      if (next !== undefined) {
        slice.machine.say(next);
        return true;
      }
      const question = asked.shift();
      if (question !== undefined) {
        seen?.(question.slice());
        answer(question);
        return true;
      }
      const reply = answers.shift();
      if (reply !== undefined) {
        if (held === undefined) slice.storage.say(protocol.fromStorage.encode(reply));
        else held(reply);
        return true;
      }
      const call = up.shift();
      if (call !== undefined) machine.sayBytes(call);
      return call !== undefined;
    },
    /** What is on its way to and from storage is lost. */
    loseStorage(): void {
      collect();
      [asked, answers] = [[], []];
      slice.storage.renew();
    },
    loseSlice(): void {
      collect();
      [up, down, asked, answers] = [[], [], [], []];
      slice = kit.sliceBench();
      machine.renew();
    },
  };
}
export type Relay = ReturnType<typeof createRelay>;
