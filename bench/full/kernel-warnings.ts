import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartVirtualMachine } from '@cloister/images';
import { hostImages } from '@cloister/sdk';
import { runInImage } from '../image-session.ts';

/** The suites that hold riscv64. */
const SUITES = ['trixie', 'forky', 'sid'] as const;
/** KERN_WARNING: this level and what is worse (smaller) counts. */
const WARNING = 4;
const DISK_BYTES = 16 << 20;

export interface SuiteWarnings {
  readonly suite: string;
  readonly kernel?: string;
  /** Lines of ours that the peer's kernel did not print, numbers masked. */
  readonly oursAlone?: readonly string[];
  /** The other way round, for the record. */
  readonly peerAlone?: readonly string[];
  readonly common?: number;
  /** Why the suite was not run. */
  readonly notRun?: string;
}

/** For each suite that verifies: what its unmodified kernel complains about here and not on the peer's same devices. */
export async function kernelWarnings(ours: StartVirtualMachine, peer: StartVirtualMachine): Promise<SuiteWarnings[]> {
  const found: SuiteWarnings[] = [];
  for (const suite of SUITES) {
    try {
      found.push(await warningsOf(suite, ours, peer));
    } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error;
      found.push({ suite, notRun: (error as Error).message });
    }
  }
  return found;
}

async function warningsOf(suite: string, ours: StartVirtualMachine, peer: StartVirtualMachine): Promise<SuiteWarnings> {
  const image = await hostImages().pull(`busybox:${suite}`);
  const directory = mkdtempSync(join(tmpdir(), 'cloister-warnings-'));
  const path = join(directory, 'disk.img');
  writeFileSync(path, new Uint8Array(DISK_BYTES));
  try {
    const boot = async (start: StartVirtualMachine) => {
      const disks = [{ path, readOnly: true, writes: 'discard' as const }];
      const { stdout, stderr, status } = await runInImage(image, 'uname -r; dmesg -r', {
        start,
        disks,
        memoryBytes: 512 << 20,
      });
      if (status !== 0) throw new Error(`dmesg failed: ${stderr}`);
      const [kernel = '', ...lines] = stdout.split('\n');
      if (lines.length < 100) throw new Error(`The kernel's log has ${lines.length} lines only`);
      return { kernel, warnings: new Set(severe(lines)) };
    };
    const [here, there] = [await boot(ours), await boot(peer)];
    return {
      suite,
      kernel: here.kernel,
      oursAlone: [...here.warnings].filter((line) => !there.warnings.has(line)),
      peerAlone: [...there.warnings].filter((line) => !here.warnings.has(line)),
      common: [...here.warnings].filter((line) => there.warnings.has(line)).length,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The kernel's own lines (facility 0) of `dmesg -r` at level 4 or worse, without time and with numbers masked. */
export function severe(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const match = /^<(\d+)>\[ *[\d.]+\] ?(.*)$/.exec(line);
    if (match === null || Number(match[1]) > WARNING) return [];
    return [match[2]!.replace(/\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b/gi, 'N')];
  });
}
