import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { decodeMachineStatus, type Link, type OwnerEvent } from '@cloister/protocol';
import { streamChannel } from '../channels/stream-channel.ts';
import { writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';
import { buildError } from './build-error.ts';
import { connectToolstack, startedBy } from './connect.ts';
import { attach, type Deposit, deposit } from './deposit.ts';
import { LaunchError, LauncherGone } from './launch-error.ts';
import type { StorePlan } from './plan-stores.ts';
import type { RunningParts, StartParts } from './running-parts.ts';
import type { LaunchOptions } from './start-virtual-machine.ts';
import { type PreparedStores, prepareStores, storeError } from './stores.ts';
import { makeVmDirectory, type VmDirectory } from './vm-directory.ts';

/** Eight hexadecimal digits. */
export const newMachineId = (): string => randomBytes(4).toString('hex');

/** Starts a VM's compartments through this user's toolstack; they live as long as this connection to it. */
export const startCompartments: StartParts = (...request) => startedBy(() => startNow(...request));

const startNow: StartParts = async (plan, settle, options) => {
  const owner = await connectToolstack({ start: true });
  let client: Socket | undefined;
  let directory: VmDirectory | undefined;
  let given: Deposit | undefined;
  try {
    const stores = prepareStores(plan);
    let memoryBytes: number;
    try {
      const machine = await settle(stores.stores.map(({ bytes }) => bytes));
      memoryBytes = machine.memoryBytes;
      given = await depositAll(plan, stores, machine, options.builds);
    } finally {
      stores.unlink();
    }
    const attached = await attach();
    client = attached.socket;
    const vm = options.id ?? newMachineId();
    const token = randomBytes(32).toString('hex');
    directory = makeVmDirectory(vm, token);
    writeLine(owner, {
      do: 'run',
      ...{ vm, token, memoryBytes, deposit: given.id, client: attached.id },
      label: options.label ?? '',
      stores: stores.stores.map(({ path: _, ...store }) => store),
      cpus: options.cpus ?? 1,
      weight: options.weight ?? 1,
      strict: options.strict ?? false,
    });
    return await follow(vm, owner, client, directory, options, given);
  } catch (error) {
    owner.destroy();
    client?.destroy();
    given?.close();
    directory?.remove();
    throw error;
  }
};

/** Gives the launcher what the VM may have of this user's. @throws LaunchError */
async function depositAll(
  { names }: StorePlan,
  { stores, area }: PreparedStores,
  machine: object,
  builds: LaunchOptions['builds'] = {},
): Promise<Deposit> {
  const given = await deposit(
    { ...builds, machine, area, stores: stores.map(({ path, writable }) => ({ path, write: writable })) },
    (path, code) => {
      const at = stores.findIndex((store) => store.path === path);
      return at < 0 ? buildError(path, code) : storeError(names[at]!, stores[at]!.writable, code);
    },
  );
  const changed = stores.findIndex(({ bytes, growable }, at) => !growable && bytes !== given.bytes[at]);
  if (changed < 0) return given;
  given.close();
  throw new LaunchError('file', `${names[changed]} changed its length while it was opened`);
}

/** Resolves once the VM's slice is started. @throws LaunchError if nothing was */
async function follow(
  id: string,
  owner: Socket,
  client: Socket,
  directory: VmDirectory,
  options: LaunchOptions,
  given: Deposit,
): Promise<RunningParts> {
  const next = readLines(owner);
  const log = logger(directory, options.log);
  /** The next event that is no line of a log. */
  const nextEvent = async (): Promise<Exclude<OwnerEvent, { log: string }> | undefined> => {
    for (let line = await next(); line !== undefined; line = await next()) {
      const event = JSON.parse(line) as OwnerEvent;
      if (!('log' in event)) return event;
      log(event.log);
    }
    return undefined;
  };
  const first = await nextEvent();
  given.close();
  if (first === undefined) throw new LauncherGone('The toolstack is gone');
  if ('refused' in first) throw new LaunchError('failed', first.refused);
  if (!('slice' in first)) {
    const reason = 'ended' in first ? first.ended.reason : null;
    throw new LaunchError('failed', reason ?? 'It was stopped');
  }
  const control: Link = streamChannel(client, Buffer.from(first.slice, 'base64'), 'told');
  let settleFailed: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    settleFailed = resolve;
  });
  const parts: RunningParts = {
    ...{ id, control, failed, onStop: undefined },
    async stop() {
      owner.end();
      await gone;
    },
  };
  const listen = async (): Promise<void> => {
    for (let event = await nextEvent(); event !== undefined; event = await nextEvent()) {
      if ('slice' in event) control.renew(Buffer.from(event.slice, 'base64'));
      else if ('stop' in event) parts.onStop?.();
      else if ('ended' in event) {
        const { reason, status } = event.ended;
        const last = status === null ? undefined : decodeMachineStatus(Buffer.from(status, 'base64'));
        if (last !== undefined) options.retired?.(last.retired);
        settleFailed(last?.phase === 'failed' ? last.reason : (reason ?? 'It was stopped'));
      }
    }
    settleFailed('The toolstack is gone, and with it every VM');
  };
  const gone = listen()
    .catch((error: unknown) => settleFailed(String(error)))
    .finally(() => {
      owner.destroy();
      client.destroy();
      directory.remove();
    });
  return parts;
}

/** Keeps what the compartments say, and gives whole lines of it to whoever wants them. */
function logger(directory: VmDirectory, heard: ((line: string) => void) | undefined): (text: string) => void {
  let rest = '';
  return (text) => {
    directory.log(text);
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) heard?.(line);
  };
}
