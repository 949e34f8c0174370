import { type LaunchOptions, type MachineEnd, startVirtualMachine, type VirtualMachine } from '@cloister/launcher';
import { parseDisk } from './disks.ts';
import { CloisterError } from './failure.ts';
import { readInput, readKernel } from './kernels.ts';
import { lastLines, startFailed } from './machine.ts';
import { checkMemory, MEMORY_DEFAULT } from './sizes.ts';

export interface KernelRunOptions {
  readonly kernel: string;
  readonly initrd?: string | undefined;
  readonly firmware?: string | undefined;
  readonly append?: string | undefined;
  readonly disks?: readonly string[];
  readonly memoryBytes?: number | undefined;
  /** A reset ends the run instead of booting again. */
  readonly noReboot?: boolean;
  readonly launch?: LaunchOptions | undefined;
  readonly onConsole: (bytes: Uint8Array) => void;
}

/** A machine with the user's own kernel, its raw console (ttyS0) in and out. */
export interface KernelRun {
  readonly ended: Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  kill(): void;
}

const PANIC = /Kernel panic - not syncing[^\r\n]*/;

/** Boots a kernel; each reset boots it again. `ended` rejects with a CloisterError after a panic or a failure. */
export async function runKernel(options: KernelRunOptions): Promise<KernelRun> {
  const memoryBytes = checkMemory(options.memoryBytes ?? MEMORY_DEFAULT);
  const kernel = await readKernel(options.kernel);
  const initrd = options.initrd === undefined ? undefined : await readInput(options.initrd, 'initrd');
  const firmware = options.firmware === undefined ? undefined : await readInput(options.firmware, 'firmware');
  const disks = await Promise.all((options.disks ?? []).map(parseDisk));
  let console = '';
  let killed = false;
  let machine: VirtualMachine;
  const start = async (): Promise<VirtualMachine> => {
    const started = await startVirtualMachine(
      {
        memoryBytes,
        kernel,
        ...(initrd === undefined ? {} : { initrd }),
        ...(firmware === undefined ? {} : { firmware }),
        commandLine: options.append ?? 'console=ttyS0',
        disks,
      },
      { label: options.kernel, ...options.launch },
    ).catch(startFailed);
    started.onStop = () => started.kill();
    started.serial.onData = (bytes) => {
      console = (console + Buffer.from(bytes).toString('latin1')).slice(-16_384);
      options.onConsole(bytes);
    };
    return started;
  };
  machine = await start();
  const life = async (): Promise<void> => {
    for (;;) {
      const end: MachineEnd = await machine.ended;
      if (killed || end.kind === 'power-off') return;
      if (end.kind === 'failed')
        throw new CloisterError('machine-failed', `The machine failed: ${end.reason}`, { console: lastLines(console) });
      if (end.kind === 'killed') return;
      const panic = PANIC.exec(console);
      if (panic !== null)
        throw new CloisterError('guest-ended', `The guest's kernel panicked: ${lastLines(panic[0], 1)}`, {
          hint: 'Check --append, --initrd and --disk',
          console: lastLines(console),
        });
      if (options.noReboot === true) return;
      console = '';
      machine = await start();
    }
  };
  return {
    ended: life(),
    write: (bytes) => machine.serial.write(bytes),
    kill() {
      killed = true;
      machine.kill();
    },
  };
}
