import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyKernel } from '../../packages/host/launcher/src/testing/tiny-kernel.ts';
import type { Attack, Outcome } from '../attack.ts';
import { launcher } from '../bench/sources.ts';
import { FOLDER } from '../build.ts';
import { becomes, inProcesses, isAlive, type ProcessAttack, partOf, withVictim } from '../processes/in-processes.ts';
import { program, type World } from '../processes/world.ts';

const LAUNCHER = launcher('privileged/launcher.ts');
const HOLDER = [
  LAUNCHER,
  'machine !== undefined && sameToken(machine.token, token) ? machine : undefined',
  'machine',
] as const;

/** One line to the launcher, and one back. */
async function ask(world: World, request: object): Promise<string> {
  const socket = await world.connectLauncher({ start: true });
  const next = world.readLines(socket);
  world.writeLine(socket, request);
  const line = await next();
  socket.destroy();
  return line ?? 'nothing';
}

/** Tokens that are not the VM's own: none, made up, part of one, another VM's. */
async function wrongTokens(world: World, own: string, other: string): Promise<string[]> {
  const token = readFileSync(join(world.runtime, own, 'token'), 'latin1');
  const others = readFileSync(join(world.runtime, other, 'token'), 'latin1');
  return ['', '0'.repeat(64), token.slice(1), `${token}0`, others];
}

type Variant = Pick<ProcessAttack, 'attack'> & {
  look(world: World, vm: string): Promise<Outcome>;
  request(): Promise<object>;
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
          const what = await request();
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
    request: async () => ({ do: 'upgrade', slice: await program('misbehave', { way: 'die' }) }),
    look: restarted,
  }),
  token({
    attack: 'C a client without the token opens an inspector on a VM’s slice',
    request: async () => ({ do: 'debug' }),
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
    attack: 'C a client without the token takes a VM’s control link',
    from: 'client',
    target: 'another’s VM',
    source: 'issue 5, judged point 2',
    check: 'the token is the VM’s own',
    edits: [
      [LAUNCHER, 'waiting.client === undefined && sameToken(waiting.token, token);', 'waiting.client === undefined;'],
    ],
    async act(world) {
      const kernel = join(FOLDER, 'kernel');
      writeFileSync(kernel, tinyKernel('loop'));
      const owner = await world.connectLauncher({ start: true });
      const next = world.readLines(owner);
      const vm = randomBytes(4).toString('hex');
      world.writeLine(owner, {
        do: 'run',
        vm,
        label: '',
        builds: {},
        stores: [{ path: kernel, access: 'read', durable: false }],
      });
      await next();
      const answer = await ask(world, { do: 'attach', vm, token: '0'.repeat(64) });
      owner.destroy();
      return { effect: answer === '{}', how: answer };
    },
  }),
  inProcesses({
    attack: 'C a VM’s number that is a path',
    from: 'client',
    target: 'the user’s files',
    source: 'isolation.md G2 (CVE-2024-4467: a name that leads elsewhere)',
    check: 'a VM’s number has eight digits',
    edits: [
      [
        launcher('privileged/requests.ts'),
        'if (!isText(vm, 8) || !/^[0-9a-f]{8}$/.test(vm)) return undefined;',
        'if (!isText(vm, 8)) return undefined;',
      ],
    ],
    async act(world) {
      const name = `../${randomBytes(2).toString('hex')}x`;
      const path = join(world.runtime, name);
      const owner = await world.connectLauncher({ start: true });
      const next = world.readLines(owner);
      world.writeLine(owner, { do: 'run', vm: name, label: '', builds: {}, stores: [] });
      const answer = await next();
      const effect = existsSync(path);
      owner.destroy();
      return { effect, how: effect ? 'a directory beside the launcher’s own' : (answer ?? 'nothing').slice(0, 80) };
    },
  }),
  inProcesses({
    attack: 'C a request without end',
    from: 'client',
    target: 'the launcher’s memory',
    source: 'issue 5 §7',
    check: 'a line has a maximum',
    edits: [[launcher('lines.ts'), 'if (rest.length > LINE_BYTES_MAX) socket.destroy();', '']],
    async act(world) {
      const socket = await world.connectLauncher({ start: true });
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
      return { effect, how: `${written} MiB without a line's end, ${effect ? 'kept' : 'cut off'}` };
    },
  }),
];
