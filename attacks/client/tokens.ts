import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack, Outcome } from '../attack.ts';
import { launcher, toolstack } from '../bench/sources.ts';
import { becomes, inProcesses, isAlive, type ProcessAttack, partOf, withVictim } from '../processes/in-processes.ts';
import { program, type World } from '../processes/world.ts';

const HOLDER = [
  toolstack('toolstack.ts'),
  'machine !== undefined && sameToken(machine.token, token) ? machine : undefined',
  'machine',
] as const;

/** One line to the toolstack, and one back. */
async function ask(world: World, request: object): Promise<string> {
  const socket = await world.connectToolstack({ start: true });
  const next = world.readLines(socket);
  world.writeLine(socket, request);
  const line = await next();
  socket.destroy();
  return line ?? 'nothing';
}

/** What the launcher answers to one line of a client's; the connection stays. */
async function bring(world: World, request: object) {
  const socket = await world.connectLauncher();
  const next = world.readLines(socket);
  world.writeLine(socket, request);
  const line = await next();
  return { socket, answer: line === undefined ? {} : (JSON.parse(line) as { id?: string }) };
}

/** Tokens that are not the VM's own: none, made up, part of one, another VM's. */
async function wrongTokens(world: World, own: string, other: string): Promise<string[]> {
  const token = readFileSync(join(world.runtime, own, 'token'), 'latin1');
  const others = readFileSync(join(world.runtime, other, 'token'), 'latin1');
  return ['', '0'.repeat(64), token.slice(1), `${token}0`, others];
}

type Variant = Pick<ProcessAttack, 'attack'> & {
  look(world: World, vm: string): Promise<Outcome>;
  request(world: World): Promise<object>;
};
const token = ({ request, look, ...variant }: Variant): Attack =>
  inProcesses({
    ...variant,
    from: 'client',
    target: 'another’s VM',
    source: 'issue 5, judged point 2; DESIGN §2',
    check: 'the token is the VM’s own',
    edits: [HOLDER],
    act: (world) =>
      withVictim(world, {}, ({ id }) =>
        withVictim(world, {}, async ({ id: other }) => {
          const what = await request(world);
          for (const one of await wrongTokens(world, id, other)) await ask(world, { ...what, vm: id, token: one });
          return look(world, id);
        }),
      ),
  });

const gone = async (world: World, vm: string): Promise<Outcome> => {
  const effect = await becomes(600, async () => !(await isAlive(world, vm)));
  return { effect, how: `the VM is ${effect ? 'gone' : 'there'}` };
};
const restarted = async (world: World, vm: string): Promise<Outcome> => {
  const effect = await becomes(1200, async () => {
    const slice = await partOf(world, vm, 'slice').catch(() => undefined);
    return slice === undefined || slice.level === 'none' || slice.restarts > 0;
  });
  return { effect, how: `the VM's slice is ${effect ? 'another' : 'its own'}` };
};

/** Clients without the token of the VM that they talk about, and requests that are none. */
export const TOKENS: readonly Attack[] = [
  token({ attack: 'C a client without the token kills a VM', request: async () => ({ do: 'kill' }), look: gone }),
  token({
    attack: 'C a client without the token gives a VM a slice of its own',
    async request(world) {
      const slice = await program('misbehave', { way: 'die' });
      const { answer } = await bring(world, {
        do: 'deposit',
        stores: [],
        slice,
        hart: null,
        area: null,
        debug: false,
        machine: {},
      });
      return { do: 'upgrade', deposit: answer.id };
    },
    look: restarted,
  }),
  token({
    attack: 'C a client without the token opens an inspector on a VM’s slice',
    async request(world) {
      const wanted = { do: 'deposit', stores: [], slice: null, hart: null, area: null, debug: true, machine: {} };
      return { do: 'debug', deposit: (await bring(world, wanted)).answer.id };
    },
    look: restarted,
  }),
  inProcesses({
    attack: 'C a client without the token inspects a VM',
    from: 'client',
    target: 'another’s VM',
    source: 'issue 5, judged point 2',
    check: 'the token is the VM’s own',
    edits: [HOLDER],
    act: (world) =>
      withVictim(world, {}, async ({ id }) => {
        const answer = await ask(world, { do: 'inspect', vm: id, token: '0'.repeat(64) });
        return { effect: answer.includes('"kind":"machine"'), how: answer.slice(0, 80) };
      }),
  }),
  inProcesses({
    attack: 'C a client guesses the id of what another has deposited',
    from: 'client',
    target: 'another’s files',
    source: 'issue 5, judged point 2',
    check: 'an id cannot be guessed',
    edits: [
      [
        launcher('privileged/offers.ts'),
        "const id = randomBytes(32).toString('hex');",
        "const id = randomBytes(0).toString('hex') || String(offers.size);",
      ],
    ],
    async act(world) {
      // As a VM of its own; what it claims is gone for its owner.
      const owner = await world.connectToolstack({ start: true });
      const next = world.readLines(owner);
      const store = { path: join(world.folder, 'package.json'), write: false };
      const other = await bring(world, {
        do: 'deposit',
        stores: [store],
        slice: null,
        hart: null,
        area: null,
        debug: false,
        machine: {},
      });
      const link = await bring(world, { do: 'attach' });
      const stores = [{ bytes: 2, growable: false, writable: false, durable: false }];
      const vm = { vm: randomBytes(4).toString('hex'), token: '', label: '', memoryBytes: 64 << 20, stores };
      const rest = { client: link.answer.id, cpus: 1, weight: 1, strict: false };
      world.writeLine(owner, { do: 'run', ...vm, ...rest, deposit: '0' });
      const answer = (await next()) ?? 'nothing';
      for (const socket of [owner, other.socket, link.socket]) socket.destroy();
      return { effect: !answer.includes('refused'), how: answer.slice(0, 100) };
    },
  }),
  inProcesses({
    attack: 'C a client starts a VM under the number of another’s',
    from: 'client',
    target: 'another’s VM',
    source: 'issue 5, judged point 2',
    check: 'a number is one VM’s',
    edits: [[toolstack('toolstack.ts'), 'if (machines.has(id) || starting.has(id))', 'if (starting.has(id))']],
    act: (world) =>
      withVictim(world, {}, async ({ id }) => {
        const deposit = await bring(world, {
          do: 'deposit',
          stores: [],
          slice: null,
          hart: null,
          area: null,
          debug: false,
          machine: {},
        });
        const link = await bring(world, { do: 'attach' });
        const owner = await world.connectToolstack({ start: true });
        const next = world.readLines(owner);
        const vm = { vm: id, token: '', label: 'evil', memoryBytes: 64 << 20, stores: [], cpus: 1, weight: 1 };
        const rest = { deposit: deposit.answer.id, client: link.answer.id, strict: false };
        world.writeLine(owner, { do: 'run', ...vm, ...rest });
        const answer = (await next()) ?? 'nothing';
        for (const socket of [owner, deposit.socket, link.socket]) socket.destroy();
        return { effect: !answer.includes('refused'), how: answer.slice(0, 100) };
      }),
  }),
  inProcesses({
    attack: 'C a request without end',
    from: 'client',
    target: 'the launcher’s memory',
    source: 'issue 5 §7',
    check: 'a line has a maximum',
    edits: [[launcher('lines.ts'), 'if (rest.length > LINE_BYTES_MAX) socket.destroy();', '']],
    async act(world) {
      // It stays as long as somebody holds its toolstack.
      const holder = await world.connectToolstack({ start: true });
      const socket = await world.connectLauncher();
      let closed = false;
      socket
        .on('error', () => undefined)
        .once('close', () => {
          closed = true;
        });
      let written = 0;
      for (; written < 6 && !closed; written += 1)
        await new Promise<void>((resolve) => {
          socket.once('close', resolve);
          socket.write(Buffer.alloc(2 ** 20, 65), () => resolve());
        });
      const effect = !(await becomes(500, () => closed));
      socket.destroy();
      holder.destroy();
      return { effect, how: `${written} MiB without a line's end, ${effect ? 'kept' : 'cut off'}` };
    },
  }),
];
