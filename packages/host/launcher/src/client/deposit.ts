import type { Socket } from 'node:net';
import type { ToClient } from '@cloister/protocol';
import { writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';
import { connectLauncher } from './connect.ts';
import { LaunchError, LauncherGone } from './launch-error.ts';

export interface DepositRequest {
  readonly stores?: readonly { readonly path: string; readonly write: boolean }[];
  /** The payload area's path. */
  readonly area?: string | undefined;
  /** Other builds of a VM's parts than the launcher's own, by path. */
  readonly slice?: string | undefined;
  readonly hart?: string | undefined;
  /** A slice is to be debugged. */
  readonly debug?: boolean;
  readonly machine?: object;
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
 * @param blame makes the error for a file
 * @throws LaunchError
 */
export async function deposit(
  { stores = [], area, slice, hart, debug = false, machine = {} }: DepositRequest,
  blame: (path: string, code: string) => LaunchError,
): Promise<Deposit> {
  const [socket, answer] = await ask({
    ...{ do: 'deposit', stores, debug, machine },
    ...{ area: area ?? null, slice: slice ?? null, hart: hart ?? null },
  });
  if ('id' in answer) return { ...answer, close: () => socket.destroy() };
  socket.destroy();
  const paths = [...stores.map(({ path }) => path), area, slice, hart].filter((path) => path !== undefined);
  throw blame(paths[answer.at] ?? 'it', answer.refused);
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
  if (line === undefined) throw new LauncherGone('The launcher is gone, or does not understand this client');
  return [socket, JSON.parse(line) as ToClient];
}
