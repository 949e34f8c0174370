import type { MachineEnd, VirtualMachine } from '@cloister/launcher';
import { parseDisk } from './disks.ts';
import { CloisterError, fail } from './failure.ts';
import { bootImage, lastLines, startFailed } from './machine.ts';
import { hostImages, type ImageSettings } from './run-image.ts';
import { attachGuest, type Guest } from './session.ts';
import { checkMemory, MEMORY_DEFAULT } from './sizes.ts';

export interface SandboxOptions {
  /** An image's name; default `debian`. */
  readonly image?: string;
  /** Guest memory in bytes; default 512 MiB. */
  readonly memory?: number;
  /** `FILE` or `FILE,ro`, attached after the root disk. */
  readonly disks?: readonly string[];
  readonly images?: ImageSettings;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly stdin?: Uint8Array | string;
  /** After so many milliseconds the command is killed and the promise rejects with the code `timeout`. */
  readonly timeoutMs?: number;
  readonly onStdout?: (bytes: Uint8Array) => void;
  readonly onStderr?: (bytes: Uint8Array) => void;
}

export interface CommandResult {
  readonly exitCode: number;
  /** UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A virtual machine that runs commands one after the other; what they change lives as long as it does. */
export interface Sandbox extends AsyncDisposable {
  readonly commands: {
    /** Runs a command to its end. Commands that are asked for together wait for one another. @throws CloisterError */
    run(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  };
  /** Stops the machine and waits until it is gone. */
  kill(): Promise<void>;
}

export const Sandbox = {
  /** Boots an image (made on its first use). @throws CloisterError, ImageError */
  async create(options: SandboxOptions = {}): Promise<Sandbox> {
    const memoryBytes = checkMemory(options.memory ?? MEMORY_DEFAULT);
    const disks = await Promise.all((options.disks ?? []).map(parseDisk));
    const image = await hostImages(options.images).pull(options.image ?? 'debian');
    const machine = await bootImage(image, memoryBytes, disks).catch(startFailed);
    return sandboxOf(machine);
  },
};

function sandboxOf(machine: VirtualMachine): Sandbox {
  let console = '';
  machine.serial.onData = (bytes) => {
    console = (console + Buffer.from(bytes).toString('latin1')).slice(-16_384);
  };
  const guest = attachGuest(machine);
  let tail: Promise<unknown> = Promise.resolve();
  let over: MachineEnd | undefined;
  void machine.ended.then((end) => {
    over = end;
  });
  const kill = async (): Promise<void> => {
    machine.kill();
    await machine.ended;
  };
  return {
    commands: {
      run(argv, options = {}) {
        const result = tail.then(() => {
          if (over !== undefined) fail('guest-ended', 'The sandbox has ended', { console: lastLines(console) });
          return runCommand(guest, argv, options, () => lastLines(console));
        });
        tail = result.catch(() => undefined);
        return result;
      },
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

async function runCommand(
  guest: Guest,
  argv: readonly string[],
  options: CommandOptions,
  consoleTail: () => string,
): Promise<CommandResult> {
  if (argv.length === 0) fail('bad-usage', 'No command was given', { hint: 'Give at least one word' });
  const { env, cwd, user, stdin, timeoutMs, onStdout, onStderr } = options;
  const out: Uint8Array[] = [];
  const errors: Uint8Array[] = [];
  const session = guest.run(
    {
      argv,
      again: true,
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { user }),
    },
    stdin === undefined ? undefined : once(stdin),
    {
      onStdout: (bytes) => {
        out.push(bytes);
        onStdout?.(bytes);
      },
      onStderr: (bytes) => {
        errors.push(bytes);
        onStderr?.(bytes);
      },
    },
  );
  let late = false;
  const clock =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          late = true;
          session.signal('KILL');
        }, timeoutMs);
  const end = await session.ended;
  clearTimeout(clock);
  if (late) fail('timeout', `The command took longer than ${timeoutMs} ms`, { hint: 'Give more time with timeoutMs' });
  if (end.kind === 'lost')
    throw new CloisterError('guest-ended', 'The guest ended before its command reported a status', {
      console: consoleTail(),
    });
  const text = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('utf8');
  return { exitCode: end.status, stdout: text(out), stderr: text(errors) };
}

async function* once(value: Uint8Array | string): AsyncGenerator<Uint8Array> {
  yield typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
}
