import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALL_NUMBERS } from './call-numbers.ts';
import { assemble } from './raw-program.ts';

/** What a probe is told: names and numbers, never what they hide. */
export interface Targets {
  readonly directory: string;
  readonly secretFile: string;
  readonly targetFile: string;
  readonly doomedFile: string;
  readonly link: string;
  readonly library: string;
  readonly unixSocket: string;
  readonly abstractSocket: string;
  readonly tcpPort: number;
  readonly udpPort: number;
  readonly victim: number;
}

/** A host for one probe to attack, and what can be seen of it afterwards. */
export interface World {
  readonly targets: Targets;
  /** In the secret file, in the victim's memory and arguments, in the environment of the control alone. */
  readonly secret: string;
  /** The name of a file in the directory, to which the link leads. */
  readonly entry: string;
  readonly secretBytes: number;
  /** "tcp", "unix", "abstract", "udp", "listener": what of the attacker's reached the host. */
  readonly arrived: Set<string>;
  /** What the probe wrote to its descriptor 3. */
  report: string;
  /** 0 if it ended well. */
  status: number | string;
  /** The address in the victim's memory at which the secret lies. */
  readonly victimSecretAt: number;
  target(): { readonly text: string; readonly mode: number; readonly mtimeMs: number };
  exists(name: string): boolean;
  linkStands(): boolean;
  /** The state letter of /proc/PID/stat, or "gone". */
  victimState(): string;
  close(): void;
}

const TARGET_TEXT = 'as it was\n';

/** The victim: sleeps, with the secret in its arguments and, at an address that is known, in its memory. */
function victimProgram(secret: string): { readonly program: Uint8Array; readonly secretAt: number } {
  const arm = process.arch === 'arm64';
  const secretBytes = new TextEncoder().encode(secret);
  const nanosleep = arm ? 101 : 35;
  const program = assemble(
    { data: { time: [60, 0], secret: secretBytes }, steps: [{ call: nanosleep, args: [{ at: 'time' }, 0] }] },
    arm ? 'arm64' : 'x64',
  );
  return { program, secretAt: 0x40_0000 + Buffer.from(program).indexOf(secret) };
}

export async function openWorld(library: Uint8Array | undefined): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-attack-'));
  // What an attacker may not do must not depend on whose files they are.
  chmodSync(directory, 0o777);
  const secret = randomBytes(16).toString('hex');
  const inside = join(directory, 'inside');
  mkdirSync(inside);
  const entry = `entry-${randomBytes(8).toString('hex')}`;
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const secretBytes = 1000 + (randomBytes(2).readUInt16LE() % 9000);
  const targets = {
    directory: inside,
    secretFile: file('secret', secret.padEnd(secretBytes)),
    targetFile: file('target', TARGET_TEXT),
    doomedFile: file('doomed', ''),
    link: join(directory, 'link'),
    library: file('addon.node', library ?? ''),
    unixSocket: join(directory, 'socket'),
    abstractSocket: `cloister-${randomBytes(8).toString('hex')}`,
  };
  writeFileSync(join(inside, entry), '');
  symlinkSync(join(inside, entry), targets.link);
  chmodSync(targets.targetFile, 0o644);

  const arrived = new Set<string>();
  const servers: Server[] = [];
  const listen = async (name: string, where: object): Promise<Server> => {
    const server = createServer((socket) => {
      arrived.add(name);
      socket.on('error', () => {}).end();
    });
    servers.push(server.listen(where));
    await once(server, 'listening');
    return server;
  };
  const tcp = await listen('tcp', { port: 0, host: '127.0.0.1' });
  await listen('unix', { path: targets.unixSocket });
  await listen('abstract', { path: `\0${targets.abstractSocket}` });
  const udp = createSocket('udp4', () => arrived.add('udp')).bind(0, '127.0.0.1');
  await once(udp, 'listening');

  const { program, secretAt } = victimProgram(secret);
  const victimFile = file('victim', program);
  chmodSync(victimFile, 0o755);
  const victim: ChildProcess = spawn(victimFile, [secret], { stdio: 'ignore' });
  await once(victim, 'spawn');

  return {
    targets: {
      ...targets,
      tcpPort: (tcp.address() as { port: number }).port,
      udpPort: udp.address().port,
      victim: victim.pid!,
    },
    secret,
    entry,
    secretBytes,
    arrived,
    report: '',
    status: 'it did not run',
    victimSecretAt: secretAt,
    target() {
      const { mode, mtimeMs } = lstatSync(targets.targetFile);
      return { text: readFileSync(targets.targetFile, 'utf8'), mode: mode & 0o777, mtimeMs };
    },
    exists: (name) => existsSync(join(inside, name)) || readdirSync(inside).some((file) => file.startsWith(name)),
    linkStands: () => lstatSync(targets.link, { throwIfNoEntry: false }) !== undefined,
    victimState() {
      try {
        return readFileSync(`/proc/${victim.pid}/stat`, 'latin1').split(') ')[1]![0]!.replace('Z', 'gone');
      } catch {
        return 'gone';
      }
    },
    close() {
      victim.kill('SIGKILL');
      for (const server of servers) server.close();
      udp.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The attacker says that it listens: does the host's loopback lead there? */
export function callBack(world: World, port: number): void {
  const socket = connect(port, '127.0.0.1', () => socket.write('GET /json/version HTTP/1.0\r\n\r\n'));
  socket.on('data', () => {
    world.arrived.add('listener');
    socket.destroy();
  });
  socket.on('error', () => {});
}

export const targetUnchanged = (world: World): boolean => world.target().text === TARGET_TEXT;
export const callNumber = (name: keyof typeof CALL_NUMBERS): number | null =>
  CALL_NUMBERS[name][process.arch === 'arm64' ? 1 : 0];
