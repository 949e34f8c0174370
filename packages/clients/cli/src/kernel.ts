import { createWriteStream } from 'node:fs';
import { parseDuration, parseMemory, runKernel } from '@cloister/sdk';
import { EXIT_TIMEOUT } from './report.ts';
import { launchOptions, type RunFlags } from './run.ts';
import { enterRaw, standardInput } from './terminal.ts';

export interface KernelFlags extends RunFlags {
  readonly kernel: string;
  readonly initrd?: string;
  readonly firmware?: string;
  readonly append?: string;
  readonly reboot: boolean;
}

/** `cloister run --kernel FILE`: the user's own kernel, its serial console on this process's terminal. */
export async function runOwnKernel(flags: KernelFlags): Promise<number> {
  const log = flags.consoleLog === undefined ? undefined : createWriteStream(flags.consoleLog);
  const timeout = flags.timeout === undefined ? undefined : parseDuration(flags.timeout);
  const running = await runKernel({
    kernel: flags.kernel,
    initrd: flags.initrd,
    firmware: flags.firmware,
    append: flags.append,
    disks: flags.disk ?? [],
    memoryBytes: flags.memory === undefined ? undefined : parseMemory(flags.memory),
    noReboot: !flags.reboot,
    launch: launchOptions(flags),
    onConsole: (bytes) => {
      process.stdout.write(bytes);
      log?.write(bytes);
    },
  });
  let timedOut = false;
  const stop = (): void => running.kill();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
  const raw = flags.stdin && process.stdin.isTTY === true ? enterRaw() : undefined;
  if (flags.stdin)
    void (async () => {
      for await (const chunk of standardInput(raw === undefined ? undefined : stop)) await running.write(chunk);
    })();
  const clock =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          running.kill();
        }, timeout);
  try {
    await running.ended;
    if (timedOut)
      process.stderr.write('cloister: The guest ran longer than --timeout allows. Give more time with --timeout\n');
    return timedOut ? EXIT_TIMEOUT : 0;
  } finally {
    clearTimeout(clock);
    raw?.restore();
    log?.end();
    process.stdin.unref?.();
  }
}
