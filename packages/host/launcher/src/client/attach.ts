import type { Socket } from 'node:net';
import { readLines, writeLine } from '../lines.ts';
import { connectLauncher } from './connect.ts';
import { LaunchError } from './launch-error.ts';

/** A connection that the launcher hands to a compartment; nobody has read of it yet. @throws LaunchError */
export async function attach(vm: string, token: string): Promise<Socket> {
  const socket = await connectLauncher({ start: true });
  writeLine(socket, { do: 'attach', vm, token });
  const answer = JSON.parse((await readLines(socket)()) ?? '{"refused":"The launcher is gone"}') as object;
  if ('refused' in answer) {
    socket.destroy();
    throw new LaunchError('failed', String(answer.refused));
  }
  socket.pause();
  for (const event of ['data', 'end', 'close']) socket.removeAllListeners(event);
  return socket;
}
