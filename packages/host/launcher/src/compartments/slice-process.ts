import { Socket } from 'node:net';
import { start } from '@cloister/slice';
import { streamChannel } from '../channels/stream-channel.ts';

// A slice's process: its channels are the inherited descriptors 3 (machine), 4 (storage) and 5 (launcher).
const [machine, storage, control] = [3, 4, 5].map((fd) =>
  streamChannel(new Socket({ fd, readable: true, writable: true })),
);
start({ machine: machine!, storage: storage!, control: control! });
