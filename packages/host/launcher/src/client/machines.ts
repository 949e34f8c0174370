import type { Listed, Parts } from '@cloister/protocol';
import { writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';
import { buildError } from './build-error.ts';
import { connectToolstack } from './connect.ts';
import { type DepositRequest, deposit } from './deposit.ts';
import { LaunchError } from './launch-error.ts';
import { type CompartmentFacts, factsOf } from './process-facts.ts';
import { tokenOf } from './vm-directory.ts';

/** The VMs that run for this user; none when no launcher runs. */
export async function listMachines(): Promise<readonly Listed[]> {
  const answer = await ask({ do: 'list' });
  return answer === undefined ? [] : (answer.machines as readonly Listed[]);
}

export interface Inspected extends Listed {
  /** The lowest level of its compartments: a VM is as well protected as its weakest. */
  readonly level: string;
  readonly compartments: readonly CompartmentFacts[];
}

const LEVELS = ['none', 'permission', 'landlock', 'full'];

/** @throws LaunchError for a VM that does not run, or whose token is not the user's to read */
export async function inspectMachine(vm: string): Promise<Inspected> {
  const { parts, ...listed } = (await command({ do: 'inspect', vm, token: tokenOf(vm) })) as unknown as Parts;
  const level = LEVELS.find((one) => parts.some((part) => part.level === one)) ?? 'none';
  return { ...listed, level, compartments: parts.map(factsOf) };
}

/** `stop` asks the VM's owner to end it in order; `kill` ends it. @throws LaunchError */
export async function tellMachine(vm: string, what: 'stop' | 'kill'): Promise<void> {
  await command({ do: what, vm, token: tokenOf(vm) });
}

/** Replaces the slice of a running VM by the newest build, or the one at `slice`. @throws LaunchError */
export async function upgradeMachine(vm: string, slice?: string): Promise<void> {
  if (slice === undefined) await command({ do: 'upgrade', vm, token: tokenOf(vm), deposit: null });
  else await withDeposit('upgrade', vm, { slice });
}

/** Replaces the slice by one with an inspector, outside its sandbox. @throws LaunchError */
export const debugMachine = (vm: string): Promise<void> => withDeposit('debug', vm, { debug: true });

async function withDeposit(what: 'upgrade' | 'debug', vm: string, request: DepositRequest): Promise<void> {
  const token = tokenOf(vm);
  const given = await deposit(request, buildError);
  try {
    await command({ do: what, vm, token, deposit: given.id });
  } finally {
    given.close();
  }
}

async function command(request: object): Promise<Record<string, unknown>> {
  const answer = await ask(request);
  if (answer === undefined) throw new LaunchError('refused', 'No VM runs');
  return answer;
}

async function ask(request: object): Promise<Record<string, unknown> | undefined> {
  const socket = await connectToolstack({ start: false });
  if (socket === undefined) return undefined;
  const next = readLines(socket);
  writeLine(socket, request);
  const line = await next();
  socket.destroy();
  if (line === undefined) throw new LaunchError('failed', 'The toolstack closed the connection');
  const answer = JSON.parse(line) as Record<string, unknown>;
  if (typeof answer.refused === 'string') throw new LaunchError('refused', answer.refused);
  return answer;
}
