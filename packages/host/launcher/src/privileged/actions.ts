import type { FromToolstack, SpawnedKind, SpawnRequest, StartConfig, ToToolstack } from '@cloister/protocol';
import { writeLine } from '../lines.ts';
import type { Recipes } from '../recipes.ts';
import { processOf } from '../sandbox/linux/process-of.ts';
import { type Capability, closeCapability } from './capability.ts';
import { type Compartment, readRecords, startCompartment } from './compartment.ts';
import { kernelCounts, signal } from './host-process.ts';

export interface ActionsConfig {
  readonly recipes: Recipes;
  claim(id: string): Capability | undefined;
  link(): Promise<Capability>;
  tell(what: ToToolstack): void;
}

/** What the launcher does for the toolstack, which decides everything else. */
export interface Actions {
  /** Carries a request out, or tells why not. Requests are carried out one after the other. */
  act(request: FromToolstack): Promise<void>;
  killAll(): void;
}

const COMPARTMENTS_MAX = 1024;

export function createActions({ recipes, claim, link, tell }: ActionsConfig): Actions {
  const capabilities = new Map<string, Capability>();
  const compartments = new Map<string, Compartment>();
  const held = (id: string): Capability => capabilities.get(id) ?? fail(`There is no "${id}"`);

  const spawn = ({ id, kind, links, deposits, settings, dataBytes }: SpawnRequest): void => {
    if (compartments.has(id) || compartments.size >= COMPARTMENTS_MAX) fail('There are too many compartments');
    const ends = links.map((one) => held(one.id).ends[one.end] ?? fail(`"${one.id}" has no such end`));
    const given = deposits.map(held);
    if (kind === 'debug' && !given.some(({ debug }) => debug)) fail('Nobody wants to debug a slice');
    // What a machine is to be, its client alone says.
    const machine = kind === 'machine' ? { machine: (given[0] ?? fail('A machine is somebody’s')).machine } : {};
    const builds = Object.assign({}, ...given.map((deposit) => deposit.builds));
    const files = given.flatMap((deposit) => filesFor(kind, deposit));
    const start = { recipe: recipes[kind]!, builds, dataBytes, ends, files };
    const compartment = startCompartment(id, start, (what) => {
      if ('ended' in what) compartments.delete(id);
      tell(what);
    });
    compartments.set(id, compartment);
    tell(compartment.started);
    const epochs = links.map(({ epoch }) => epoch);
    writeLine(compartment.pipe, { links: epochs, settings: { ...settings, ...machine } } satisfies StartConfig<object>);
    readRecords(compartment.pipe, (record) => tell({ status: id, record: record.toString('base64') }));
  };
  const carryOut = async (request: Exclude<FromToolstack, { do: 'usage' }>): Promise<void> => {
    const { id } = request;
    if (request.do === 'claim' || request.do === 'link') {
      if (capabilities.has(id)) fail(`"${id}" is there already`);
      const found = request.do === 'link' ? await link() : (claim(id) ?? fail('Nobody has brought that'));
      capabilities.set(id, found);
      tell({ had: id, files: found.stores.length });
    } else if (request.do === 'close') {
      closeCapability(held(id));
      capabilities.delete(id);
    } else if (request.do === 'spawn') spawn(request);
    else {
      // One that has just ended needs nothing any more.
      const compartment = compartments.get(id);
      if (compartment?.pid === undefined) return;
      if (request.do === 'notice') compartment.pipe.write(Buffer.from(request.bytes, 'base64'));
      else if (request.do === 'kill') compartment.kill();
      else signal(processOf(compartment.pid), request.do === 'pause' ? 'SIGSTOP' : 'SIGCONT');
    }
  };
  return {
    async act(request) {
      if (request.do === 'usage')
        tell({ usage: [...compartments].map(([id, { pid }]) => [id, kernelCounts(pid ?? 0)] as const) });
      else await carryOut(request).catch((error: Error) => tell({ refused: request.id, why: error.message }));
    },
    killAll() {
      for (const { kill } of compartments.values()) kill();
    },
  };
}

/** Stores go to storage and to nobody else; a VM's payload area goes to its machine, too. */
const filesFor = (kind: SpawnedKind, { stores, area }: Capability): readonly number[] =>
  kind === 'storage' ? [...stores, ...area] : kind === 'machine' ? area : [];

function fail(message: string): never {
  throw new Error(message);
}
