import { fromStorage, type Link, toSlice } from '@cloister/protocol';
import { start } from '@cloister/slice';
import { inherit } from '../../../packages/host/launcher/src/compartments/inherit.ts';
import { plan } from './plan.ts';

// An honest slice between two hostile ears: it boots another kernel, or with another command line.
type Change = (frame: Uint8Array) => Uint8Array;
const heard = (link: Link, change: Change): Link => ({
  ...link,
  send: (frame) => link.send(frame),
  get closed() {
    return link.closed;
  },
  get queuedBytes() {
    return link.queuedBytes;
  },
  listen: (listener) => link.listen({ ...listener, frame: (frame) => listener.frame(change(frame)) }),
});
const kernel = Buffer.from(plan.kernel ?? '', 'base64');
const otherKernel: Change = (frame) => {
  const reply = fromStorage.decode(frame);
  return reply?.kind !== 'file.data' || kernel.length === 0
    ? frame
    : fromStorage.encode({ ...reply, bytes: kernel.subarray(0, reply.bytes.length) });
};
const otherCommandLine: Change = (frame) => {
  const message = toSlice.decode(frame);
  return message?.kind === 'boot.start' && plan.commandLine !== undefined
    ? toSlice.encode({ ...message, commandLine: plan.commandLine })
    : frame;
};
inherit(({ links: [machine, storage, scheduler, client] }) => {
  start({
    machine: machine!,
    storage: heard(storage!, otherKernel),
    scheduler: scheduler!,
    client: heard(client!, otherCommandLine),
  });
  return {};
});
