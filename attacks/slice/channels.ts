import { Duplex } from 'node:stream';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { launcher, protocol } from '../bench/sources.ts';

const STREAM = launcher('channels/stream-channel.ts');
const END = launcher('channels/channel-end.ts');
const [EPOCH, LATER] = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(8)];

const COMMON = { from: 'slice', target: 'the far end of its link', source: 'issue 5 §1, §8; isolation.md F' };

const frame = (...bytes: number[]): Buffer => Buffer.from([0, bytes.length, 0, 0, 0, ...bytes]);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The attacker has the bytes; the machine's end of the channel is the real one. */
function link(kit: Kit, listening = true) {
  let written = 0;
  const stream = new Duplex({
    read: () => {},
    write(chunk: Buffer, _encoding, done) {
      written += chunk.length;
      done();
    },
  });
  const end = kit.streamChannel(stream, EPOCH);
  const heard: Uint8Array[] = [];
  if (listening) end.listen({ frame: (one) => void heard.push(one) });
  return {
    end,
    heard,
    written: () => written,
    async push(...parts: readonly Uint8Array[]) {
      for (const part of parts) stream.push(part);
      await turn();
    },
  };
}
const listOf = (heard: readonly Uint8Array[]): string =>
  heard.map((one) => `[${one.subarray(0, 4).join(' ')}]`).join('');

/** Bytes on a link, below all messages. */
export const CHANNELS = benchAttacks(COMMON, [
  {
    attack: 'S1 frames before the greeting',
    check: 'nothing counts before the greeting',
    edits: [[STREAM, 'if (awaited === undefined) return bytes;', 'return bytes;']],
    async act(kit) {
      const { heard, push } = link(kit);
      await push(frame(1, 2), Buffer.alloc(3), frame(3));
      return { effect: heard.length > 0, how: `heard: ${listOf(heard) || 'nothing'}` };
    },
  },
  {
    attack: 'S1 a greeting of an epoch that is over',
    check: 'a greeting is of the epoch that the launcher said',
    edits: [[STREAM, 'bytes.indexOf(awaited);', 'bytes.indexOf(awaited.subarray(0, 8));']],
    async act(kit) {
      const { end, heard, push } = link(kit);
      await push(kit.protocol.greetingOf(EPOCH), frame(1));
      end.renew(LATER);
      heard.length = 0;
      await push(kit.protocol.greetingOf(EPOCH), frame(9));
      return { effect: heard.length > 0, how: `heard: ${listOf(heard) || 'nothing'}` };
    },
  },
  {
    attack: 'S1 half a frame, to swallow the beginning of its successor',
    check: 'nothing counts before the greeting',
    edits: [[STREAM, 'record = undefined;\n    rest = NOTHING;', '']],
    async act(kit) {
      const { end, heard, push } = link(kit);
      await push(kit.protocol.greetingOf(EPOCH), Buffer.from([0, 60, 0, 0, 0, 0xee, 0xee]));
      end.renew(LATER);
      await push(kit.protocol.greetingOf(LATER), frame(1), frame(2), Buffer.alloc(60));
      const effect = heard.some(([first]) => first === 0xee);
      return { effect, how: `heard: ${listOf(heard) || 'nothing'}` };
    },
  },
  {
    attack: 'S1 more frames than there was credit for',
    check: 'a peer has its window and no more',
    edits: [[END, "if (granted < 0) close('The peer sent more than its credit');\n      else if", 'if']],
    async act(kit) {
      const { end, heard, push } = link(kit, false);
      await push(kit.protocol.greetingOf(EPOCH));
      const big = Buffer.concat([Buffer.from([0, 0, 0, 4, 0]), Buffer.alloc(256 * 1024)]);
      for (let i = 0; i < 40; i += 1) await push(big);
      end.listen({ frame: (one) => void heard.push(one) });
      const held = heard.reduce((sum, one) => sum + one.length, 0);
      return { effect: held > 4 * 2 ** 20, how: `${held} bytes were held for a receiver that was busy` };
    },
  },
  {
    attack: 'S1 credit that nobody owed',
    check: 'credit never exceeds the window',
    edits: [[END, 'if (credit > CHANNEL_WINDOW_BYTES) {', 'if (false) {']],
    async act(kit) {
      const { end, written, push } = link(kit);
      await push(kit.protocol.greetingOf(EPOCH), Buffer.from([1, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]));
      for (let i = 0; i < 64; i += 1) end.send(new Uint8Array(256 * 1024));
      await turn();
      await turn();
      return {
        effect: written() > 8 * 2 ** 20,
        how: `${written()} bytes were written to a pipe with a window of 4 MiB`,
      };
    },
  },
  {
    attack: 'S1 a frame of four gigabytes is announced',
    check: 'a record has a maximum',
    edits: [[protocol('framing.ts'), 'length > LENGTH_MAX[kind] || ', '']],
    async act(kit) {
      const { end, heard, push } = link(kit);
      await push(kit.protocol.greetingOf(EPOCH), Buffer.from([0, 0, 0, 0x10, 0]));
      await push(new Uint8Array(2 ** 20));
      const longest = Math.max(0, ...heard.map(({ length }) => length));
      return { effect: longest > 256 * 1024, how: `a frame of ${longest} bytes came through, closed: ${end.closed}` };
    },
  },
]);
