import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { decodeMachineStatus, type Link } from '@cloister/protocol';
import { streamChannel } from '../channels/stream-channel.ts';
import type { Event } from '../control.ts';
import { readLines, writeLine } from '../lines.ts';
import { attach } from './attach.ts';
import { connectLauncher } from './connect.ts';
import { LaunchError } from './launch-error.ts';
import type { RunningParts, StartParts } from './running-parts.ts';

/** Eight hexadecimal digits. */
export const newMachineId = (): string => randomBytes(4).toString('hex');

/** Starts a VM's compartments through this user's launcher; they live as long as this connection to it. */
export const startCompartments: StartParts = async (plan, settle, options) => {
  const owner = await connectLauncher({ start: true });
  const next = readLines(owner);
  const nextEvent = async (): Promise<Event | undefined> => {
    const line = await next();
    return line === undefined ? undefined : (JSON.parse(line) as Event);
  };
  const refuse = (event: Event | undefined): never => {
    owner.destroy();
    if (event !== undefined && 'ended' in event)
      throw new LaunchError('failed', event.ended.reason ?? 'It was stopped');
    if (event === undefined || !('refused' in event)) throw new LaunchError('failed', 'The launcher is gone');
    const name = event.store === undefined ? '' : `${plan.names[event.store]} `;
    throw new LaunchError(event.store === undefined ? 'failed' : 'refused', `${name}${event.refused}`);
  };
  writeLine(owner, {
    do: 'run',
    vm: options.id ?? newMachineId(),
    label: options.label ?? '',
    stores: plan.requests,
    builds: options.builds ?? {},
  });
  const first = await nextEvent();
  if (first === undefined || !('opened' in first)) return refuse(first);
  const { level, vm, token, bytes, log } = first.opened;
  if (options.strict === true && level !== 'full') {
    owner.destroy();
    throw new LaunchError('failed', `This host reaches the protection level "${level}" alone: see "cloister doctor"`);
  }
  let machine: Awaited<ReturnType<typeof settle>>;
  let client: Socket;
  try {
    machine = await settle(bytes);
    client = await attach(vm, token);
  } catch (error) {
    owner.destroy();
    throw error;
  }
  writeLine(owner, {
    do: 'start',
    machine,
    memoryBytes: machine.memoryBytes,
    cpus: options.cpus ?? 1,
    weight: options.weight ?? 1,
  });
  const started = await nextEvent();
  if (started === undefined || !('slice' in started)) return refuse(started);
  const control: Link = streamChannel(client, Buffer.from(started.slice, 'base64'), 'told');

  let settleFailed: (reason: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    settleFailed = resolve;
  });
  const parts: RunningParts = {
    id: vm,
    control,
    onStop: undefined,
    failed,
    async stop() {
      owner.end();
      await gone;
    },
  };
  const follow = tailLog(log, options.log);
  const listen = async (): Promise<void> => {
    for (let event = await nextEvent(); event !== undefined; event = await nextEvent()) {
      if ('slice' in event) control.renew(Buffer.from(event.slice, 'base64'));
      else if ('stop' in event) parts.onStop?.();
      else if ('ended' in event) {
        follow.end();
        const { reason, status } = event.ended;
        const last = status === null ? undefined : decodeMachineStatus(Buffer.from(status, 'base64'));
        if (last !== undefined) options.retired?.(last.retired);
        settleFailed(last?.phase === 'failed' ? last.reason : (reason ?? 'It was stopped'));
      }
    }
    settleFailed('The launcher is gone');
  };
  const gone = listen()
    .catch((error: unknown) => settleFailed(String(error)))
    .finally(() => {
      follow.end();
      owner.destroy();
      client.destroy();
    });
  return parts;
};

const LOG_INTERVAL_MS = 100;

/** Gives the lines of a VM's log as they come. The file is gone when the VM is: what it had then is read before. */
function tailLog(path: string, log: ((line: string) => void) | undefined): { end(): void } {
  if (log === undefined) return { end: () => undefined };
  let at = 0;
  let rest = '';
  let file: number | undefined;
  const look = (): void => {
    try {
      file ??= openSync(path, 'r');
      const bytes = Buffer.alloc(64 * 1024);
      for (let count = 1; count > 0; at += count) {
        count = readSync(file, bytes, 0, bytes.length, at);
        const lines = (rest + bytes.toString('latin1', 0, count)).split('\n');
        rest = lines.pop()!;
        for (const line of lines) log(line);
      }
    } catch {
      // Nothing was logged yet.
    }
  };
  const clock = setInterval(look, LOG_INTERVAL_MS);
  return {
    end() {
      clearInterval(clock);
      look();
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
