import {
  type Channel,
  type ChannelListener,
  type FileRead,
  FRAME_BYTES_MAX,
  type FromSlice,
  fromSlice,
  type ToMachine,
  toMachine,
  toStorage,
} from '@cloister/protocol';
import { start } from '../slice.ts';

/** One end of a channel that keeps what is sent, and by which a test speaks. */
function testEnd() {
  const sent: Uint8Array[] = [];
  let listener: ChannelListener | undefined;
  const channel: Channel = {
    send(frame) {
      if (frame.length > FRAME_BYTES_MAX) throw new RangeError('Too long');
      sent.push(frame.slice());
    },
    queuedBytes: 0,
    closed: undefined,
    listen(next) {
      listener = next;
    },
    close: () => undefined,
  };
  return {
    channel,
    sent,
    say: (frame: Uint8Array) => listener!.frame(frame),
    end: () => listener!.closed?.('Gone'),
    renew: () => listener!.renewed?.(),
  };
}

/** A slice whose machine, storage and client are in the test's hand. */
export function sliceBench() {
  const [machine, storage, client] = [testEnd(), testEnd(), testEnd()];
  start({ machine: machine.channel, storage: storage.channel, client: client.channel });
  return {
    machine,
    storage,
    client,
    /** What the client, the machine and storage were told since the last call. */
    told: (): FromSlice[] => client.sent.splice(0).map((frame) => fromSlice.decode(frame)!),
    asked: (): ToMachine[] => machine.sent.splice(0).map((frame) => toMachine.decode(frame)!),
    read: (): FileRead[] => storage.sent.splice(0).map((frame) => toStorage.decode(frame) as FileRead),
  };
}
export type SliceBench = ReturnType<typeof sliceBench>;

/** A whole Image of one frame. */
export const KERNEL = new Uint8Array(4096);
const header = new DataView(KERNEL.buffer);
header.setBigUint64(8, 0x20_0000n, true);
header.setBigUint64(16, 4096n, true);
header.setUint32(56, 0x05435352, true);
