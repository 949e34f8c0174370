import { Socket } from 'node:net';
import { start } from '@cloister/slice';
import { streamChannel } from '../channels/stream-channel.ts';

// A slice's process: its channels are the inherited descriptors 3 (machine), 4 (storage) and 5 (launcher).
const [machine, storage, control] = [3, 4, 5].map((fd) => new Socket({ fd, readable: true, writable: true }));
// Without its launcher nobody wants the VM any more; storage ends when this end of its pipe closes.
control!.once('close', () => process.exit());
start({ machine: streamChannel(machine!), storage: streamChannel(storage!), control: streamChannel(control!) });
