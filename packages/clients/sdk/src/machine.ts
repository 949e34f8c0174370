import type { Image } from '@cloister/images';
import {
  type DiskConfig,
  LaunchError,
  type LaunchOptions,
  startVirtualMachine,
  type VirtualMachine,
} from '@cloister/launcher';
import { fail } from './failure.ts';
import { SESSION_PORTS } from './session.ts';

/** Boots an image with the session's ports; its root disk is never written to, changes vanish with the run. */
export async function bootImage(
  image: Image,
  memoryBytes: number,
  disks: readonly DiskConfig[],
  launch: LaunchOptions = {},
): Promise<VirtualMachine> {
  const root = image.rootDisk === undefined ? [] : [image.rootDisk];
  return startVirtualMachine(
    {
      memoryBytes,
      kernel: image.kernel,
      initrd: image.initrd,
      commandLine: image.commandLine,
      disks: [...root, ...disks],
      ports: SESSION_PORTS,
    },
    { label: image.name, ...launch },
  );
}

/** The last lines of a console, safe for a terminal. */
export function lastLines(text: string, count = 20): string {
  return text
    .replaceAll('\r', '')
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => line.replace(/[^\x20-\x7e]/g, '?').slice(0, 300))
    .join('\n');
}

/** What `startVirtualMachine` threw, as this package's error. */
export function startFailed(cause: unknown): never {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof LaunchError && cause.code !== 'failed')
    fail(cause.code === 'file' ? 'bad-file' : 'refused', message, { cause });
  fail('machine-failed', `The machine does not start: ${message}`, { cause });
}
