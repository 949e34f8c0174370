import { type ImagesOptions, openImages } from '@cloister/images';
import { type LaunchOptions, startBuilder, startVirtualMachine } from '@cloister/launcher';
import { parseCopy, prepareCopies } from './copies.ts';
import { parseDisk } from './disks.ts';
import { CloisterError, fail } from './failure.ts';
import { bootImage, lastLines, startFailed } from './machine.ts';
import { attachGuest, type Input, type Session, type SessionOutput } from './session.ts';
import { checkMemory, MEMORY_DEFAULT } from './sizes.ts';

export type ImageSettings = Omit<ImagesOptions, 'startVirtualMachine' | 'startBuilder' | 'testing'>;

/** The images of this host, unpacked by builders and built in machines of this host. */
export function hostImages(settings: ImageSettings = {}) {
  return openImages({ ...settings, startVirtualMachine, startBuilder });
}

export interface RunOptions extends SessionOutput {
  readonly image: string;
  /** Empty: the image's shell. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
  readonly terminal?: { readonly rows: number; readonly columns: number } | undefined;
  readonly stdin?: Input | undefined;
  /** `FILE` or `FILE,ro`, attached after the root disk. */
  readonly disks?: readonly string[];
  /** `SRC:DST`, put into the guest before the command starts. */
  readonly copies?: readonly string[];
  readonly memoryBytes?: number | undefined;
  readonly images?: ImageSettings | undefined;
  readonly launch?: LaunchOptions | undefined;
  /** Called with the guest's console (ttyS0). */
  readonly onConsole?: ((bytes: Uint8Array) => void) | undefined;
  /** The image is there and the machine starts. */
  readonly onBoot?: (() => void) | undefined;
}

/** How long a command may take to end after it was asked to, in milliseconds. */
const STOP_MS = 10_000;

/** A running command; `status` rejects with a CloisterError when the guest ended without reporting one. */
export interface Run {
  readonly session: Session;
  readonly status: Promise<number>;
  /** Stops the machine at once. */
  kill(): void;
}

/** Boots an image and starts one command in it. @throws CloisterError, ImageError */
export async function runImage(options: RunOptions): Promise<Run> {
  const memoryBytes = checkMemory(options.memoryBytes ?? MEMORY_DEFAULT);
  const disks = await Promise.all((options.disks ?? []).map(parseDisk));
  const copies = (options.copies ?? []).map(parseCopy);
  const image = await hostImages(options.images).pull(options.image);
  options.onBoot?.();
  const first = (image.rootDisk === undefined ? 0 : 1) + disks.length;
  const prepared = copies.length === 0 ? undefined : await prepareCopies(copies, first);
  const machine = await bootImage(image, memoryBytes, [...disks, ...(prepared?.disks ?? [])], options.launch)
    .finally(() => prepared?.done())
    .catch(startFailed);
  let console = '';
  machine.serial.onData = (bytes) => {
    console = (console + Buffer.from(bytes).toString('latin1')).slice(-16_384);
    options.onConsole?.(bytes);
  };
  let session: Session;
  try {
    session = attachGuest(machine).run(
      {
        argv: options.argv,
        ...(prepared === undefined ? {} : { unpack: prepared.unpack }),
        ...(options.env === undefined ? {} : { env: options.env }),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.user === undefined ? {} : { user: options.user }),
        ...(options.terminal === undefined ? {} : { terminal: options.terminal }),
      },
      options.stdin,
      options,
    );
  } catch (cause) {
    machine.kill();
    if (cause instanceof RangeError) fail('bad-usage', cause.message, { cause });
    throw cause;
  }
  // Whoever asks for an end in order gets what a shell gives: first a chance to clean up.
  machine.onStop = () => {
    session.signal('TERM');
    setTimeout(() => machine.kill(), STOP_MS).unref();
  };
  const status = session.ended.then(async (end) => {
    if (end.kind === 'exited') {
      // The guest powers off by itself, so that its disks are written; a disk given to it deserves the wait.
      if (disks.length > 0) await machine.ended;
      else machine.kill();
      return end.status;
    }
    const { end: how } = end;
    const text =
      how.kind === 'failed'
        ? `The machine failed: ${how.reason}`
        : how.kind === 'killed'
          ? 'The machine was stopped'
          : `The guest ${how.kind === 'reset' ? 'was reset' : 'powered off'} before its command reported a status`;
    throw new CloisterError(how.kind === 'failed' ? 'machine-failed' : 'guest-ended', text, {
      console: lastLines(console),
    });
  });
  return { session, status, kill: () => machine.kill() };
}
