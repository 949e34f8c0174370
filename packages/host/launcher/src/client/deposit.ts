import type { Socket } from 'node:net';
import type { ToClient } from '@cloister/protocol';
import { writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';
import { connectLauncher } from './connect.ts';
import { LaunchError } from './launch-error.ts';

export interface DepositRequest {
  readonly stores: readonly { readonly path: string; readonly write: boolean }[];
  /** Other builds of a VM's parts than the launcher's own, by path. */
  readonly slice?: string | undefined;
  readonly hart?: string | undefined;
  readonly machine: object;
}

/** What the launcher keeps for the toolstack to claim, as long as this is not closed. */
export interface Deposit {
  readonly id: string;
  /** Lengths of the files. */
  readonly bytes: readonly number[];
  close(): void;
}

/**
 * Has the launcher open files, whose paths the toolstack never learns.
 * @param blame makes the error for the file at a place: the stores, then slice and hart
 * @throws LaunchError
 */
export async function deposit(
  { stores, slice = undefined, hart = undefined, machine }: DepositRequest,
  blame: (at: number, code: string) => LaunchError,
): Promise<Deposit> {
  const [socket, answer] = await ask({ do: 'deposit', stores, slice: slice ?? null, hart: hart ?? null, machine });
  if ('id' in answer) return { ...answer, close: () => socket.destroy() };
  socket.destroy();
  throw blame(answer.at, answer.refused);
}

/** A connection that the launcher hands to a compartment; nobody has read of it yet. @throws LaunchError */
export async function attach(): Promise<{ readonly id: string; readonly socket: Socket }> {
  const [socket, answer] = await ask({ do: 'attach' });
  if (!('id' in answer)) throw new LaunchError('failed', 'The launcher takes no link');
  socket.pause();
  for (const event of ['data', 'end', 'close']) socket.removeAllListeners(event);
  return { id: answer.id, socket };
}

async function ask(request: object): Promise<[Socket, ToClient]> {
  const socket = await connectLauncher();
  writeLine(socket, request);
  const line = await readLines(socket)();
  if (line === undefined) throw new LaunchError('failed', 'The launcher is gone, or does not understand this client');
  return [socket, JSON.parse(line) as ToClient];
}
