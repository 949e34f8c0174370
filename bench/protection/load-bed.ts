import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileGuestProgram } from '../guest-program.ts';

const MIB = 2 ** 20;

/** Disk and program of the runs. */
export interface LoadBed {
  readonly program: string;
  readonly disk: string;
  remove(): void;
}

export function createLoadBed(mebibytes: number): LoadBed {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-protection-'));
  const program = join(folder, 'disk-load');
  compileGuestProgram('disk-load', program);
  const disk = join(folder, 'raw.img');
  const file = openSync(disk, 'w');
  for (let at = 0; at < mebibytes; at += 1) writeSync(file, new Uint8Array(MIB).fill(at + 1), 0, MIB, at * MIB);
  closeSync(file);
  return { program, disk, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
