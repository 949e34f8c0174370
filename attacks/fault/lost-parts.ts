import type { BlockReply } from '@cloister/protocol';
import type { Attack } from '../attack.ts';
import { type BenchAttack, type Kit, onBench } from '../bench/on-bench.ts';
import { createRelay, type Relay } from '../bench/relay.ts';
import { monitor, slice } from '../bench/sources.ts';

/** Messages of a write and a read that goes well: each of them is the last of somebody once. */
const MOMENTS = 24;

const lost = (variant: Pick<BenchAttack, 'attack' | 'check' | 'edits'>, atMoment: (relay: Relay) => void): Attack =>
  onBench({
    ...{
      from: 'host',
      target: "a guest's disk",
      source: 'isolation.md F (kill -9 at each message); issue 5 §8',
      ...variant,
    },
    act(kit: Kit) {
      const wrong: number[] = [];
      for (let moment = 0; moment < MOMENTS; moment += 1) {
        const relay = createRelay(kit);
        const write = relay.disk.write(3, 0x22);
        let passed = 0;
        const carry = (): void => {
          // A relay that goes on for ever has lost its way.
          for (let steps = 0; steps < 200; steps += 1) {
            if (passed === moment) atMoment(relay);
            passed += 1;
            if (!relay.step()) break;
          }
        };
        carry();
        const read = relay.disk.read(3);
        carry();
        if (write() !== 0 || read.status() !== 0 || read.byte() !== 0x22) wrong.push(moment);
      }
      return {
        effect: wrong.length > 0,
        how: `of ${MOMENTS} moments, the guest waits or finds something else after: ${wrong.join(', ') || 'none'}`,
      };
    },
  });

/** A part dies at each message of a guest's write and read: what was under way is asked for again. */
export const LOST_PARTS: readonly Attack[] = [
  lost(
    {
      attack: 'F storage dies at each message',
      check: 'what was not answered is asked for again',
      edits: [[slice('slice.ts'), "tellMachine(slice, { kind: 'block.resend', round: slice.rounds });", '']],
    },
    (relay) => relay.loseStorage(),
  ),
  lost(
    {
      attack: 'F the slice dies at each message',
      check: 'what was not answered is asked for again',
      edits: [[monitor('monitor.ts'), '      resend(machine, 0);\n', '']],
    },
    (relay) => relay.loseSlice(),
  ),
  onBench({
    attack: 'F a proxy gives storage each message a second time, later',
    from: 'host',
    target: "a guest's disk",
    source: 'isolation.md F (message dup, reorder)',
    check: 'a block opens under its own version alone',
    edits: [[monitor('seal/block-seal.ts'), 'words.setUint32(0, version % 2 ** 32, true);', '']],
    act(kit) {
      const silent: number[] = [];
      for (let again = 0; again < 4; again += 1) {
        const relay = createRelay(kit);
        const asked: Uint8Array[] = [];
        for (const block of [3, 4]) {
          relay.disk.write(block, 0x10 + block);
          while (relay.step((frame) => void asked.push(frame)));
        }
        const late = asked[again];
        if (late !== undefined) relay.answer(late);
        const read = relay.disk.read(3);
        while (relay.step());
        if (read.status() === 0 && read.byte() !== 0x13) silent.push(again);
      }
      return {
        effect: silent.length > 0,
        how: `other contents without an error after message: ${silent.join(', ') || 'none'}`,
      };
    },
  }),
  onBench({
    attack: 'F a proxy drops each answer of storage in turn, and gives the next in its place',
    from: 'host',
    target: "a guest's disk",
    source: 'isolation.md F (message drop, reorder)',
    check: 'a block is authenticated',
    edits: [
      [
        monitor('seal/block-seal.ts'),
        'const plain = gcm.open(nonce, sealed);',
        'const plain = gcm.open(nonce, sealed) ?? sealed.subarray(0, 4096);',
      ],
    ],
    act(kit) {
      const relay = createRelay(kit);
      for (const block of [3, 4]) {
        relay.disk.write(block, 0x10 + block);
        while (relay.step());
      }
      const reads = [relay.disk.read(3), relay.disk.read(4)];
      const replies: BlockReply[] = [];
      while (relay.step(undefined, (reply) => void replies.push(reply)));
      const payloads = replies.map(({ at }) => relay.area.slice(at, at + 4112));
      for (const [i, reply] of replies.entries()) {
        relay.area.set(payloads[(i + 1) % replies.length]!, reply.at);
        relay.reply(reply);
      }
      while (relay.step());
      const silent = reads.filter((read, i) => read.status() === 0 && read.byte() !== 0x13 + i).length;
      return { effect: silent > 0, how: `${silent} of 2 reads got other contents without an error` };
    },
  }),
];
