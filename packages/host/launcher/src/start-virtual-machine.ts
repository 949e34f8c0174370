import {
  type FromSlice,
  fromSlice,
  LAUNCH_UPDATE_BYTES_MAX,
  SERIAL_PORT,
  type ToSlice,
  toSlice,
} from '@cloister/protocol';
import { bundleUrl } from './bundles.ts';
import { startProcesses } from './compartments/processes.ts';
import { createHostPort, type HostPort } from './host-port.ts';
import { LaunchError } from './launch-error.ts';
import { closeDisks, openDisks } from './open-disks.ts';
import type { MachineEnd, Port, VirtualMachine, VirtualMachineConfig } from './virtual-machine.ts';

/** How a VM is put together; the defaults are what users get. */
export interface LaunchOptions {
  /** Where slice and storage run: in this process (the default), or each as a process of its own. */
  readonly form?: 'one-process' | 'processes';
  /** What runs as hart 0's thread; a test puts drivers without a hart there. */
  readonly hart?: URL;
  /** One line for the operator: a malformed ring, a refused call. */
  readonly log?: (line: string) => void;
  /** How many instructions the guest had retired when it stopped; called before `ended` resolves. For measurements. */
  readonly retired?: (instructions: number) => void;
}

/**
 * Starts a virtual machine and resolves once its guest runs.
 * @throws Error with one line when a disk cannot be opened, LaunchError when the kernel is refused or the machine fails;
 * nothing is left running then
 */
export async function startVirtualMachine(
  config: VirtualMachineConfig,
  options: LaunchOptions = {},
): Promise<VirtualMachine> {
  // The only file that knows the compartments' code; loaded on demand.
  const { startCompartments, startInProcess } = await import('./monolithic.ts');
  const opened = openDisks(config.disks ?? []);
  const names = config.ports ?? [];
  let settle: (end: MachineEnd) => void = () => undefined;
  const over = new Promise<MachineEnd>((resolve) => {
    settle = resolve;
  });
  const compartments = await startCompartments({
    memoryBytes: config.memoryBytes,
    devices: [
      { kind: 'console', names },
      { kind: 'rng' },
      ...opened.disks.map((disk) => ({ kind: 'block' as const, ...disk })),
    ],
    stores: opened.stores,
    // The one switch: where all is one process there is nobody to keep the blocks from.
    seal: options.form === 'processes' ? 'aes-256-gcm' : 'none',
    hart: options.hart ?? bundleUrl('hart'),
    deprivileged: options.form === 'processes' ? startProcesses : startInProcess,
    log: options.log ?? (() => undefined),
    failed: (reason) => settle({ kind: 'failed', reason }),
    retired: options.retired ?? (() => undefined),
  }).catch((error: unknown) => {
    closeDisks(opened);
    throw error;
  });
  const { control } = compartments;
  const send = (message: ToSlice): void => control.send(toSlice.encode(message));
  const ports = new Map<number, HostPort>();
  const portAt = (number: number): Port => {
    const made = createHostPort(number, send);
    ports.set(number, made);
    return made.port;
  };
  const serial = portAt(SERIAL_PORT);
  const console = portAt(0);
  const named = new Map(names.map((name, index) => [name, portAt(index + 1)] as const));

  const booted = new Promise<LaunchError | undefined>((resolve) => {
    control.listen({
      frame(frame) {
        const message = fromSlice.decode(frame);
        if (message !== undefined) hear(message, config, { send, ports, settle, booted: resolve });
      },
      closed: (reason) => {
        resolve(new LaunchError('failed', reason));
        settle({ kind: 'failed', reason });
      },
    });
    void over.then((end) => resolve(new LaunchError('failed', end.kind === 'failed' ? end.reason : 'It was stopped')));
  });
  const ended = over.then(async (end) => {
    await compartments.stop();
    for (const port of ports.values()) port.abandon();
    closeDisks(opened);
    return end;
  });

  send({
    kind: 'boot.start',
    commandLine: config.commandLine,
    kernelBytes: config.kernel.length,
    initrdBytes: config.initrd?.length ?? 0,
    firmwareBytes: config.firmware?.length ?? 0,
  });
  const refused = await booted;
  if (refused !== undefined) {
    settle({ kind: 'killed' });
    await ended;
    throw refused;
  }
  return {
    serial,
    console,
    ports: named,
    ended,
    resize: (columns, rows) => send({ kind: 'port.resize', columns, rows }),
    kill: () => settle({ kind: 'killed' }),
  };
}

interface Listening {
  send(message: ToSlice): void;
  readonly ports: ReadonlyMap<number, HostPort>;
  settle(end: MachineEnd): void;
  /** Called with why nothing was started, or with nothing once the guest runs. */
  booted(refused: LaunchError | undefined): void;
}

/** A message of the slice, which may say anything: at worst its own VM ends. */
function hear(message: FromSlice, config: VirtualMachineConfig, { send, ports, settle, booted }: Listening): void {
  switch (message.kind) {
    case 'boot.read': {
      const blob = config[message.blob] ?? new Uint8Array(0);
      const length = Math.min(message.length, LAUNCH_UPDATE_BYTES_MAX);
      const bytes = blob.subarray(message.offset, message.offset + length);
      send({ kind: 'boot.data', blob: message.blob, offset: message.offset, bytes });
      break;
    }
    case 'boot.done':
      booted(undefined);
      break;
    case 'boot.refused':
      booted(new LaunchError('refused', message.reason));
      break;
    case 'run.end':
      settle(message.end === 'failed' ? { kind: 'failed', reason: message.reason } : { kind: message.end });
      break;
    default:
      ports.get(message.port)?.hear(message);
  }
}
