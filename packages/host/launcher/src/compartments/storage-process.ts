import { Socket } from 'node:net';
import { type Store, start } from '@cloister/storage';
import { streamChannel } from '../channels/stream-channel.ts';

// Storage's process: descriptor 3 is its channel; what its stores' descriptors are, the launcher says as its argument.
start(
  streamChannel(new Socket({ fd: 3, readable: true, writable: true })),
  JSON.parse(process.argv[2]!) as readonly Store[],
);
