import { type StdioOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { STATUS_BYTES, type ToToolstack } from '@cloister/protocol';
import type { CompartmentRecipe } from '../recipes.ts';
import { fillIn } from '../sandbox/recipe.ts';
import { type Code, readCode } from './capability.ts';
import { signal } from './host-process.ts';

export interface CompartmentStart {
  readonly recipe: CompartmentRecipe;
  /** Code that runs in the place of the recipe's, by the name of the file. */
  readonly builds: Readonly<Record<string, Code>>;
  readonly dataBytes: number;
  /** What it inherits after its pipe to the launcher: ends of links, then descriptors of open files. */
  readonly ends: readonly Socket[];
  readonly files: readonly number[];
}

/** A running process with nothing but what it was handed. */
export interface Compartment {
  readonly pid: number | undefined;
  /** What there is to say of it. */
  readonly started: ToToolstack;
  /** To its descriptor 3. */
  readonly pipe: Socket;
  kill(): void;
}

/** A compartment that writes more than this has its stderr closed. */
const LOG_BYTES_MAX = 256 * 1024;

/**
 * @param tell hears what it writes, and that it has ended
 * @throws if its code is not what the manifest says
 */
export function startCompartment(id: string, start: CompartmentStart, tell: (what: ToToolstack) => void): Compartment {
  const { recipe, builds, dataBytes, ends, files } = start;
  // Hashed now: what a client brought, or what the manifest says.
  const code = recipe.files.map(({ name, path, hash }) => builds[name] ?? readCode(path, hash));
  const inherited = 1 + ends.length + files.length;
  const feeds = recipe.fed ? code : [];
  const args = fillIn(recipe, { dataBytes, inherited, paths: code.map(({ path }) => path) });
  // A session of its own: it hears no signal of a user's terminal.
  const child = spawn(recipe.file, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...ends, ...files, ...feeds.map(() => 'pipe')] as StdioOptions,
    env: recipe.env,
    detached: true,
  });
  const pipes = child.stdio as unknown as Socket[];
  const pipe = pipes[3]!;
  pipe.on('error', () => undefined);
  feeds.forEach(({ bytes }, i) => {
    pipes[3 + inherited + i]!.on('error', () => undefined).end(bytes);
  });
  tellLog(pipes[2]!, (bytes) => tell({ log: id, bytes: bytes.toString('base64') }));
  const ended = (how: string): void => {
    pipe.destroy();
    tell({ ended: id, how });
  };
  child.once('error', (error) => ended(`it cannot be started: ${error.message}`));
  child.once('exit', (status, signal) => ended(signal ? `it got ${signal}` : `it ended with status ${status}`));
  return {
    pid: child.pid,
    started: { started: id, pid: child.pid ?? null, level: recipe.level, code: code[1]!.hash },
    pipe,
    // The whole session: a sandbox's outer process and what runs within.
    kill() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        signal(-child.pid, 'SIGKILL');
    },
  };
}

function tellLog(stderr: Socket, tell: (bytes: Buffer) => void): void {
  let room = LOG_BYTES_MAX;
  stderr.on('error', () => undefined);
  stderr.on('data', (bytes: Buffer) => {
    tell(bytes.subarray(0, room));
    room -= bytes.length;
    if (room <= 0) stderr.destroy();
  });
}

/** Gives the last whole status record of what has come, and looks at none: whoever sends many is heard once. */
export function readRecords(pipe: Socket, heard: (record: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  pipe.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const whole = rest.length - (rest.length % STATUS_BYTES);
    if (whole > 0) heard(rest.subarray(whole - STATUS_BYTES, whole));
    rest = rest.subarray(whole);
  });
}
