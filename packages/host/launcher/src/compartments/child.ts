import { Socket } from 'node:net';
import type { Channel } from '@cloister/protocol';
import { streamChannel } from '../channels/stream-channel.ts';
import { type ChildPlan, FIRST_DESCRIPTOR } from './child-plan.ts';

/** What the bundle of a compartment exports. */
interface CompartmentBundle {
  start(channels: Readonly<Record<string, Channel>>, config: unknown): unknown;
}

// The shell around a compartment in a process of its own: its channels are inherited pipes, and it has nothing else.
// It ends by itself once its channels are closed and what was under way is done.
const plan = JSON.parse(process.argv[2] ?? '') as ChildPlan;
const { start } = (await import(plan.bundle)) as CompartmentBundle;
const channels = plan.channels.map((name, i) => {
  const pipe = new Socket({ fd: FIRST_DESCRIPTOR + i, readable: true, writable: true });
  return [name, streamChannel(pipe)] as const;
});
start(Object.fromEntries(channels), plan.config);
