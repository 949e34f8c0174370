import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMachineStatus, type FromToolstack, type ToToolstack } from '@cloister/protocol';
import { processOf } from '../../packages/host/launcher/src/sandbox/linux/process-of.ts';
import type { Attack, Outcome } from '../attack.ts';
import { launcher, protocol } from '../bench/sources.ts';
import { FOLDER, newFolder } from '../build.ts';
import { becomes, inProcesses, type ProcessAttack, withVictim } from '../processes/in-processes.ts';
import { program, type World } from '../processes/world.ts';

const ACTIONS = launcher('privileged/actions.ts');

interface Said {
  readonly asked: readonly FromToolstack[];
  readonly heard: readonly ToToolstack[];
}

/** Has the toolstack say these lines to its launcher: all that it has said and heard, or undefined if that was its end. */
async function say(world: World, ...lines: readonly (object | string)[]): Promise<Said | undefined> {
  const socket = await world.connectToolstack({ start: true });
  const next = world.readLines(socket);
  world.writeLine(socket, { say: lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))) });
  const answer = await next();
  socket.destroy();
  return answer === undefined ? undefined : (JSON.parse(answer) as Said);
}

/** What a client deposits; it is the launcher's until the connection ends. */
async function bring(world: World, what: object) {
  const socket = await world.connectLauncher();
  const next = world.readLines(socket);
  world.writeLine(socket, {
    do: 'deposit',
    stores: [],
    slice: null,
    hart: null,
    area: null,
    debug: false,
    machine: {},
    ...what,
  });
  return { socket, id: (JSON.parse((await next())!) as { readonly id: string }).id };
}

const spawning = (kind: string, more: object = {}): object => ({
  ...{ do: 'spawn', id: 'evil', kind, links: [], deposits: [], settings: {}, dataBytes: 2 ** 28 },
  ...more,
});
/** What the launcher told of the toolstack's compartment "evil". */
const startedOf = (said: Said | undefined) =>
  said?.heard.find((what) => 'started' in what && what.started === 'evil') as
    | Extract<ToToolstack, { started: string }>
    | undefined;
const refusalOf = (said: Said | undefined): string => {
  const found = said?.heard.find((what) => 'refused' in what) as Extract<ToToolstack, { refused: string }> | undefined;
  return said === undefined ? 'the launcher ended it' : (found?.why ?? 'nothing');
};
/** The deposit of the only VM. */
const depositIn = (said: Said): string =>
  (said.asked.find((one) => one.do === 'spawn' && one.kind === 'machine') as Extract<FromToolstack, { do: 'spawn' }>)
    .deposits[0]!;

function holds(pid: number | null | undefined, path: string): boolean {
  try {
    const folder = `/proc/${processOf(pid!)}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)) === path);
  } catch {
    return false;
  }
}

let files = 0;
function newDisk(): string {
  const path = join(FOLDER, `toolstack-${(files += 1)}.img`);
  writeFileSync(path, new Uint8Array(4096));
  return path;
}

type Variant = Pick<ProcessAttack, 'attack' | 'target' | 'check' | 'edits' | 'act'>;
const hostile = (variant: Variant): Attack =>
  inProcesses({
    ...variant,
    from: 'toolstack',
    source: 'DESIGN §2; issue 5 §1 (the launcher is the only code with host authority)',
    toolstack: 'attacks/processes/programs/puppet-toolstack.ts',
  });
/** With a VM that has a disk of its own. */
const withDisk = (act: (world: World, path: string, deposit: string) => Promise<Outcome>) => (world: World) => {
  const path = newDisk();
  return withVictim(world, { disks: [{ path, writes: 'direct' }] }, async () =>
    act(world, path, depositIn((await say(world))!)),
  );
};

/** A toolstack that is the attacker's, with every line to the launcher in its hands. */
export const HOSTILE_TOOLSTACK: readonly Attack[] = [
  hostile({
    attack: 'B2 a toolstack has a file opened by its path',
    target: "the user's files",
    check: 'what a compartment gets has an id, and a client brought it',
    edits: [
      [
        ACTIONS,
        'capabilities.get(id) ?? fail(',
        "(id.startsWith('/') ? { ...linkOf(), stores: [openFile(id, false)] } : capabilities.get(id)) ?? fail(",
      ],
      [
        ACTIONS,
        'import { type Capability, closeCapability }',
        'import { type Capability, closeCapability, linkOf, openFile }',
      ],
      [protocol('launcher-channel.ts'), 'const id = text(64);', 'const id = text(4096);'],
    ],
    async act(world) {
      const path = newDisk();
      const said = await say(world, spawning('storage', { deposits: [path], settings: { stores: [] } }));
      const pid = startedOf(said)?.pid;
      const effect = await becomes(500, () => holds(pid, path));
      return { effect, how: effect ? 'storage has the file' : refusalOf(said) };
    },
  }),
  hostile({
    attack: 'B2 a toolstack gives a VM’s disk to a slice',
    target: 'a VM’s disk',
    check: 'stores go to storage alone',
    edits: [[ACTIONS, "kind === 'storage' ? [...stores, ...area]", "kind !== 'machine' ? [...stores, ...area]"]],
    act: withDisk(async (world, path, deposit) => {
      const ids = ['a', 'b', 'c', 'd'];
      const epoch = Buffer.alloc(16).toString('base64');
      const links = ids.map((id) => ({ id, end: 0, epoch }));
      const said = await say(
        world,
        ...ids.map((id) => ({ do: 'link', id })),
        spawning('slice', { deposits: [deposit], links }),
      );
      const pid = startedOf(said)?.pid;
      const effect = await becomes(500, () => holds(pid, path));
      return { effect, how: effect ? 'a slice has the disk' : `the slice has none of it (${refusalOf(said)})` };
    }),
  }),
  hostile({
    attack: 'B2 a toolstack claims again what it gave back',
    target: 'another client’s files',
    check: 'an id works once',
    edits: [[launcher('privileged/offers.ts'), '      offers.delete(id);\n      return found;', '      return found;']],
    async act(world) {
      const holder = await world.connectToolstack({ start: true });
      const deposit = await bring(world, { stores: [{ path: newDisk(), write: false }] });
      const claim = { do: 'claim', id: deposit.id };
      const said = await say(world, claim, { do: 'close', id: deposit.id }, claim);
      const had = said?.heard.filter((what) => 'had' in what).length ?? 0;
      for (const one of [holder, deposit.socket]) one.destroy();
      return { effect: had > 1, how: `it had the deposit ${had} times (${refusalOf(said)})` };
    },
  }),
  hostile({
    attack: 'B2 a toolstack runs a client’s code as storage',
    target: 'every VM’s disks',
    check: 'a build takes the place of the file of its name alone',
    edits: [
      [
        launcher('privileged/compartment.ts'),
        'builds[name] ?? readCode(path, hash)',
        "(name === 'storage.cjs' ? Object.values(builds)[0] : undefined) ?? readCode(path, hash)",
      ],
    ],
    async act(world) {
      const slice = await program('misbehave', { way: 'hang' });
      const holder = await world.connectToolstack({ start: true });
      const { id, socket } = await bring(world, { slice });
      const said = await say(
        world,
        { do: 'claim', id },
        spawning('storage', { deposits: [id], settings: { stores: [] } }),
      );
      for (const one of [holder, socket]) one.destroy();
      const code = createHash('sha256').update(readFileSync(slice)).digest('hex');
      const started = startedOf(said);
      const effect = started?.code === code;
      return {
        effect,
        how: effect
          ? 'the client’s code is storage'
          : started === undefined
            ? refusalOf(said)
            : 'it is the manifest’s code',
      };
    },
  }),
  hostile({
    attack: 'B2 a toolstack runs a program that it names',
    target: "the user's account",
    check: 'kinds are a list',
    edits: [
      [protocol('launcher-channel.ts'), 'kind: oneOf(...SPAWNED_KINDS),', 'kind: text(4096),'],
      [
        ACTIONS,
        'recipe: recipes[kind]!',
        'recipe: recipes[kind] ?? { ...recipes.debug!, args: [kind], files: recipes.debug!.files }',
      ],
    ],
    async act(world) {
      const made = `${newFolder()}-made`;
      const path = await program('leave-mark', { path: made });
      const said = await say(world, spawning(path));
      const effect = await becomes(1500, () => existsSync(made));
      return { effect, how: effect ? 'it ran as the user' : refusalOf(said) };
    },
  }),
  hostile({
    attack: 'B2 a toolstack kills a process that is no compartment',
    target: "the user's processes",
    check: 'an id is a compartment’s',
    edits: [
      [
        ACTIONS,
        'const compartment = compartments.get(id);',
        "const compartment = compartments.get(id) ?? ({ pid: Number(id), kill: () => signal(Number(id), 'SIGKILL') } as Compartment);",
      ],
    ],
    async act(world) {
      const victim = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20000)'], { stdio: 'ignore' });
      const said = await say(world, { do: 'kill', id: String(victim.pid) });
      const effect = await becomes(500, () => victim.signalCode !== null);
      victim.kill('SIGKILL');
      return { effect, how: effect ? 'it is gone' : `it lives (${refusalOf(said)})` };
    },
  }),
  hostile({
    attack: 'B2 a toolstack says itself what a VM’s machine is to be, and what it may boot',
    target: 'a VM',
    check: 'what a machine is to be, its client alone says',
    edits: [[ACTIONS, '{ ...settings, ...machine }', '{ ...machine, ...settings }']],
    act: withDisk(async (world, _path, deposit) => {
      const link = { do: 'link', id: 'evil-link' };
      const settings = { grantKey: '', machine: { memoryBytes: 2 ** 40, devices: [] } };
      const links = [{ id: 'evil-link', end: 0, epoch: Buffer.alloc(16).toString('base64') }];
      await say(world, link, spawning('machine', { deposits: [deposit], settings, links, dataBytes: 2 ** 32 }));
      let reason = '';
      const effect = await becomes(1500, async () => {
        const records = (await say(world))?.heard.filter((what) => 'status' in what && what.status === 'evil') ?? [];
        const last = records.at(-1) as Extract<ToToolstack, { status: string }> | undefined;
        const status = last === undefined ? undefined : decodeMachineStatus(Buffer.from(last.record, 'base64'));
        reason = status?.reason ?? '';
        return status?.phase === 'failed';
      });
      return {
        effect,
        how: effect ? `the machine is the toolstack’s (${reason})` : 'the machine is as its client says',
      };
    }),
  }),
  hostile({
    attack: 'B2 a toolstack runs a slice outside its sandbox',
    target: "the user's account",
    check: 'a client has to want a slice debugged',
    edits: [[ACTIONS, "if (kind === 'debug' && !given.some(({ debug }) => debug))", 'if (false)']],
    act: withDisk(async (world, _path, deposit) => {
      const said = await say(world, spawning('debug', { deposits: [deposit] }));
      const effect = startedOf(said) !== undefined;
      return { effect, how: effect ? 'it runs as the user' : refusalOf(said) };
    }),
  }),
  hostile({
    attack: 'B2 a toolstack starts a machine that is nobody’s',
    target: 'the host',
    check: 'a machine has a deposit',
    edits: [[ACTIONS, "(given[0] ?? fail('A machine is somebody’s')).machine", 'given[0]?.machine']],
    async act(world) {
      const said = await say(world, spawning('machine', { settings: { grantKey: '', machine: {} } }));
      const effect = startedOf(said) !== undefined;
      return { effect, how: effect ? 'it was started' : refusalOf(said) };
    },
  }),
  hostile({
    attack: 'B2 a toolstack lets a compartment have more memory than there is',
    target: 'the host’s memory',
    check: 'RLIMIT_DATA has a maximum',
    edits: [[protocol('launcher-channel.ts'), 'const DATA_BYTES_MAX = 2 ** 33;', 'const DATA_BYTES_MAX = 2 ** 50;']],
    async act(world) {
      const said = await say(world, spawning('slice', { dataBytes: 2 ** 48 }));
      const effect = startedOf(said) !== undefined;
      return { effect, how: effect ? 'it was started with 256 TiB' : refusalOf(said) };
    },
  }),
  hostile({
    attack: 'B2 a toolstack hangs, and the launcher with it',
    target: 'the host',
    check: 'the launcher ends a toolstack that breaks the protocol',
    edits: [
      [
        launcher('privileged/main.ts'),
        'if (request === undefined) return end();',
        'if (request === undefined) return;',
      ],
    ],
    async act(world) {
      const said = await say(world, '{"do":"spawn","path":"/bin/sh"}', 'no JSON', '{"do":"__proto__"}');
      return { effect: said !== undefined, how: said === undefined ? 'the launcher ended it' : 'it goes on' };
    },
  }),
];
