import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hostImages } from '@cloister/sdk';
import { type Bench, compared, type Measurement, reported } from './measurement.ts';
import { untilNoLauncher } from './no-launcher.ts';
import { treeCpuSeconds } from './process-tree.ts';

const CLI = fileURLToPath(new URL('../packages/clients/cli/bin/cloister.mjs', import.meta.url));
/** What the first process of the guest prints, being `busybox echo`. */
const FIRST_LINE = 'cloister-bench-init';
const DEADLINE_MS = 120_000;

interface Sample {
  readonly cpu: number;
  readonly wall: number;
}

/** From spawn to the line on stdout; then the whole tree is killed. */
async function untilFirstLine(command: string, args: readonly string[]): Promise<Sample> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const stop = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  return new Promise((resolve, reject) => {
    let seen = '';
    const clock = setTimeout(() => {
      stop();
      reject(new Error(`"${command}" did not print the line; its last output: ${seen.slice(-200)}`));
    }, DEADLINE_MS);
    child.on('error', () => reject(new Error(`No ${command}: apt-get install qemu-system-misc`)));
    child.stdout.on('data', (bytes: Buffer) => {
      seen += bytes.toString('latin1');
      // The command line, which the kernel prints, has the word too, but not at the start of a line.
      const found = new RegExp(`^${FIRST_LINE}`, 'm').test(seen);
      // What is kept is shorter than what may come at once: a panic's trace follows the line, since init ends.
      seen = seen.slice(-4096);
      if (!found) return;
      clearTimeout(clock);
      const sample = { cpu: treeCpuSeconds(child.pid!), wall: (performance.now() - start) / 1000 };
      child.stdout.removeAllListeners('data');
      stop();
      child.once('exit', () => resolve(sample));
    });
  });
}

/** Debian's kernel and busybox's initramfs to the first line of the first process, here and in QEMU's TCG. */
export const bootBench: Bench = async ({ quick }) => {
  const { kernel, initrd } = await hostImages().pull('busybox');
  const measure = async (selfTests: boolean, runs: number): Promise<Measurement[]> => {
    const append = `console=ttyS0 panic=-1 ${selfTests ? '' : 'cryptomgr.notests=1 '}rdinit=/bin/busybox -- echo ${FIRST_LINE}`;
    const ours: Sample[] = [];
    const peer: Sample[] = [];
    for (let run = 0; run < runs; run += 1) {
      // Each run starts a launcher of its own, whose work counts.
      await untilNoLauncher();
      const boot = ['--kernel', kernel, '--initrd', initrd, '--append', append];
      ours.push(
        await untilFirstLine(process.execPath, [CLI, 'run', '--no-stdin', '--no-reboot', '-m', '512m', ...boot]),
      );
      peer.push(
        await untilFirstLine('qemu-system-riscv64', [
          ...'-M virt -accel tcg -m 512 -smp 1 -nographic -no-reboot'.split(' '),
          ...['-kernel', kernel, '-initrd', initrd, '-append', append],
        ]),
      );
    }
    const name = selfTests ? ', with the self-tests of the crypto manager' : '';
    const cpu = [ours.map((s) => s.cpu), peer.map((s) => s.cpu)] as const;
    const wall = [ours.map((s) => s.wall), peer.map((s) => s.wall)] as const;
    return [
      selfTests
        ? reported('boot', `CPU seconds to init's first line${name}`, ...cpu)
        : compared('boot', `CPU seconds to init's first line${name}`, ...cpu, 3),
      reported('boot', `wall seconds to init's first line${name}`, ...wall),
    ];
  };
  return [...(await measure(false, quick ? 3 : 9)), ...(await measure(true, quick ? 1 : 5))];
};
