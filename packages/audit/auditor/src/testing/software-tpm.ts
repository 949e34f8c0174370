import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SoftwareTpm {
  /** For files; it goes with the TPM. */
  readonly folder: string;
  close(): void;
}

/** A TPM in software, which tpm2-tools find until it is closed. */
export async function softwareTpm(): Promise<SoftwareTpm> {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-swtpm-'));
  const socket = join(folder, 'tpm.sock');
  const swtpm = spawn(
    'swtpm',
    [
      ...['socket', '--tpm2', '--tpmstate', `dir=${folder}`, '--server', `type=unixio,path=${socket}`],
      ...['--ctrl', `type=unixio,path=${socket}.ctrl`, '--flags', 'not-need-init,startup-clear'],
    ],
    { stdio: 'ignore' },
  );
  process.env.TPM2TOOLS_TCTI = `swtpm:path=${socket}`;
  for (let i = 0; i < 500 && !existsSync(`${socket}.ctrl`); i += 1) await sleep(20);
  return {
    folder,
    close() {
      delete process.env.TPM2TOOLS_TCTI;
      swtpm.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
