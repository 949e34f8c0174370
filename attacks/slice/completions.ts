import { BLOCK, filled, openDisk, same, seen } from '../bench/disk.ts';
import { benchAttacks } from '../bench/on-bench.ts';
import { gate } from '../bench/sources.ts';

const REQUESTS = gate('block/requests.ts');
const HALF = 128 * 1024;
const EVIL = 0xee;

const COMMON = { from: 'slice', target: "its guest's memory and disk requests", source: 'isolation.md S1' };

/** The slice answers what it was not asked, too often, too early, too late, too much or too little. */
export const COMPLETIONS = benchAttacks(COMMON, [
  {
    attack: 'S1 a completion of a request that is not in flight',
    check: 'an answer belongs to a request that was asked',
    edits: [[REQUESTS, 'state.requests.get(at);', 'state.requests.get(at) ?? [...state.requests.values()][0];']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const read = disk.read(3);
      const [request] = disk.requests();
      for (const at of [request!.at + 1, request!.at + kit.protocol.PAYLOAD_PLACE_BYTES, 0xffff_ffff])
        disk.reply({ ...disk.good(request!, filled(EVIL)), at });
      return { effect: read.status() !== 0xff || read.bytes()[0] === EVIL, how: seen(read) };
    },
  },
  {
    attack: 'S1 a completion that names another store',
    check: 'an answer is for the store that was asked',
    edits: [[REQUESTS, 'request === undefined || request.message.store !== store', 'request === undefined']],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      const read = disk.read(3);
      const [request] = disk.requests();
      disk.reply({ ...disk.good(request!, filled(EVIL)), store: 1 });
      return { effect: read.status() === 0, how: seen(read) };
    },
  },
  {
    attack: 'S1 one half answered twice stands for both',
    check: 'a request is answered once',
    edits: [[REQUESTS, 'state.requests.delete(at);', '']],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const read = disk.read(0, (2 * HALF) / BLOCK);
      const [first] = disk.requests();
      for (let i = 0; i < 2; i += 1) disk.reply(disk.good(first!, filled(EVIL, HALF)));
      return { effect: read.status() === 0, how: seen(read) };
    },
  },
  {
    attack: 'S1 a write is completed before its second half has left',
    check: 'a chain is returned when nothing of it is left',
    edits: [[REQUESTS, ' && unanswered === 0 && pieces.length === 0', ' && unanswered === 0']],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      disk.write(40, filled(1));
      const [before] = disk.requests();
      const write = disk.write(0, filled(2, 2 * HALF));
      const [first, ...more] = disk.requests();
      disk.honest(first!);
      const effect = write.status() === 0;
      return { effect, how: `${1 + more.length} of 2 parts left, status ${write.status()}, ${before!.operation} held` };
    },
  },
  {
    attack: 'S1 a completion after the device was stopped',
    check: 'buffers of a stopped device are its driver’s again',
    edits: [[REQUESTS, "job.operation !== 'read' || !isLive(device)) finish", "job.operation !== 'read') finish"]],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const read = disk.read(3);
      const [request] = disk.requests();
      kit.driver.addChain(disk.guest, disk.device.queues[0]!, [{ address: 0, length: 16, writable: false }]);
      disk.guest.bus.ring(0, 0);
      kit.gate.serveDoorbells(disk.gate);
      disk.reply(disk.good(request!, filled(EVIL)));
      return { effect: read.bytes()[0] === EVIL, how: seen(read) };
    },
  },
  {
    attack: 'S1 a completion after reset and restart writes into buffers that were taken back',
    source: 'isolation.md S1; CVE-2021-3748',
    check: 'a reset waits for requests under way',
    edits: [
      [
        gate('transport.ts'),
        'if (!transport.resetting || kindOf(device).isBusy(device.state)) return;',
        'if (!transport.resetting) return;',
      ],
    ],
    act(kit) {
      const disk = openDisk(kit, 'raw');
      const read = disk.read(3);
      const [request] = disk.requests();
      let restarted = true;
      try {
        kit.driver.startDevice(disk.guest, 0, 0n);
      } catch {
        restarted = false;
      }
      disk.reply(disk.good(request!, filled(EVIL)));
      return { effect: restarted && read.bytes()[0] === EVIL, how: `restarted: ${restarted}, ${seen(read)}` };
    },
  },
  {
    attack: 'S1 two writes to one block are carried out in the other order',
    check: 'a block has one write under way',
    edits: [[REQUESTS, 'if (isInTheWay(state, operation, step) || (asks', 'if ((asks']],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      const [older, newer] = [disk.write(5, filled(1)), disk.write(5, filled(2))];
      for (let next = disk.requests(); next.length > 0; next = disk.requests())
        for (const request of next.reverse()) disk.honest(request);
      const read = disk.read(5);
      disk.settle();
      const effect = older.status() === 0 && newer.status() === 0 && same(read.bytes(), filled(1));
      return { effect, how: seen(read) };
    },
  },
  {
    attack: 'S1 a failed answer leaves its block held, and who wants it waits for ever',
    source: 'isolation.md S1; XSA-30, XSA-334 (missing unlock)',
    target: 'its guest’s time',
    check: 'a request is over with its answer, whatever that is',
    edits: [[REQUESTS, 'state.requests.delete(at);', 'if (ok) state.requests.delete(at);']],
    act(kit) {
      const disk = openDisk(kit, 'unverified');
      const failed = disk.write(5, filled(1));
      for (const request of disk.requests()) disk.reply({ ...disk.good(request), ok: false });
      const next = disk.write(5, filled(2));
      disk.settle();
      const effect = next.status() === 0xff;
      return { effect, how: `status ${failed.status()}, then ${next.status()}` };
    },
  },
]);
