import { readFileSync } from 'node:fs';
import { type Image, runSession, SESSION_PORTS, type StartVirtualMachine, sessionScript } from '@cloister/images';
import type { DiskConfig } from '@cloister/launcher';

/** What a command in an image wrote, and its status. */
export interface SessionResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SessionSettings {
  /** The machine: ours, or a peer's with the same interface. */
  readonly start: StartVirtualMachine;
  /** Attached after the root disk. */
  readonly disks?: readonly DiskConfig[];
  readonly memoryBytes?: number;
}

const MEMORY_BYTES = 1024 << 20;

/** Boots an image in the machine given, runs `script` with sh, and waits for the machine's end. @throws if it is lost */
export async function runInImage(image: Image, script: string, settings: SessionSettings): Promise<SessionResult> {
  const root = image.rootDisk === undefined ? [] : [image.rootDisk];
  const machine = await settings.start({
    memoryBytes: settings.memoryBytes ?? MEMORY_BYTES,
    kernel: readFileSync(image.kernel),
    initrd: readFileSync(image.initrd),
    commandLine: image.commandLine,
    disks: [...root, ...(settings.disks ?? [])],
    ports: SESSION_PORTS,
  });
  let stdout = '';
  let stderr = '';
  const end = await runSession(machine, sessionScript({ argv: ['/bin/sh', '-c', script] }), {
    onStdout: (bytes) => {
      stdout += Buffer.from(bytes).toString('latin1');
    },
    onStderr: (bytes) => {
      stderr += Buffer.from(bytes).toString('latin1');
    },
  });
  if (end.kind !== 'exited') throw new Error(`The guest ended early: ${end.kind === 'lost' ? end.reason : end.kind}`);
  return { status: end.status, stdout, stderr };
}
