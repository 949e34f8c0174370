import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RAM_BYTES } from './layout.ts';

const COMMAND = 'qemu-system-riscv64';
const DEADLINE_MS = 120_000;
/** What this machine has, and nothing that it lacks. With Svpbmt QEMU 7.2 lets the reserved bits of page-table entries pass. */
const PROCESSOR = 'rv64,h=off,v=off,zba=on,zbb=on,zbc=on,zbs=on,svinval=on,svpbmt=off,sstc=on';
/** Two harts, one of them parked: with one, QEMU splits an AMO into a load and a store, and faults as a load does. */
const HARTS = 2;

/** Runs a batch in QEMU's virt machine, RAM being a shared file. @throws if QEMU is missing, fails or takes too long */
export function runQemu(image: Buffer): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-fuzz-'));
  try {
    const path = join(folder, 'ram');
    const file = openSync(path, 'w+');
    ftruncateSync(file, RAM_BYTES);
    writeSync(file, image, 0, image.length, 0);
    const memory = `memory-backend-file,id=ram,mem-path=${path},share=on,size=${RAM_BYTES}`;
    const { status, signal, stderr, error } = spawnSync(
      COMMAND,
      [
        ...['-machine', 'virt,memory-backend=ram', '-m', String(RAM_BYTES / 2 ** 20), '-object', memory],
        ...['-cpu', PROCESSOR, '-smp', String(HARTS), '-accel', 'tcg,thread=multi', '-bios', 'none'],
        ...['-display', 'none', '-serial', 'none', '-monitor', 'none', '-nodefaults', '-no-reboot'],
      ],
      { encoding: 'utf8', timeout: DEADLINE_MS, killSignal: 'SIGKILL' },
    );
    if (error !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error(`No ${COMMAND}: apt-get install qemu-system-misc`);
    const out = Buffer.alloc(image.length);
    readSync(file, out, 0, out.length, 0);
    closeSync(file);
    if (status !== 0) throw new Error(`${COMMAND} ended with ${signal ?? status}: ${stderr.split('\n')[0]}`);
    return out;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The peer's version, as it prints it. */
export function qemuVersion(): string {
  const { stdout } = spawnSync(COMMAND, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return /version (\S+)/.exec(stdout ?? '')?.[1] ?? 'absent';
}
