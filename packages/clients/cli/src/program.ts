import { CloisterError } from '@cloister/sdk';
import { Command, CommanderError, Option } from 'commander';
import { addAuditCommands } from './audit/commands.ts';
import { attended, detach } from './detached.ts';
import { doctor } from './doctor.ts';
import { buildImage, inspectImage, listImages, pullImage, removeImages } from './image.ts';
import { type KernelFlags, runOwnKernel } from './kernel.ts';
import { addMachineCommands } from './machine-commands.ts';
import { EXIT_CLOISTER, report } from './report.ts';
import { prepareDetached, type RunFlags, run } from './run.ts';
import { VERSION } from './version.ts';

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];

/** Docker's flags that do not exist here yet, and what does the job. */
const NOT_YET: readonly (readonly [flags: string, answer: string])[] = [
  ['-p, --publish <ports>', 'Guests have no network yet. Pass data with --disk, or tar over stdin'],
  ['--volume <mount>', 'There are no volumes yet. Use --disk FILE, or: tar c . | cloister run debian tar x'],
  ['--network <net>', 'Guests have no network yet. Put packages into an image: cloister image build --packages'],
];

const NOTES = `
Guests have no network yet, and their changes vanish at exit. To bring things in:
  cloister image build NAME --packages gcc,python3     an image with more Debian packages
  cloister run --disk FILE debian …                    a raw disk that is kept
  tar c . | cloister run debian tar x                  files over stdin

With a terminal, Ctrl-] twice leaves the guest. Without one, a third Ctrl-C within 2 s does.
Exit status: the command's; 124 time-out, 125 Cloister, 130 you left it, 126 and 127 as in a shell, 128+n signal.`;

/** The command line. `finish` receives the exit status of the command that ran. */
export function program(finish: (status: number) => void): Command {
  const cloister = new Command('cloister')
    .description('Runs unmodified riscv64 Linux guests without KVM, root or a daemon')
    .version(VERSION)
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });

  const runCommand = cloister
    .command('run')
    .description('boot an image (busybox, debian, debian:SUITE, or one you built) and run a command in it')
    .argument('[image]', "the image; everything after it is the guest's")
    .argument('[command...]', 'the command and its arguments; without it, a shell')
    .passThroughOptions()
    .option('-i, --interactive', 'forward stdin even where it is a terminal')
    .option('-t, --tty', 'give the command a terminal')
    .option('--no-stdin', 'forward no stdin')
    .option('-m, --memory <size>', 'guest memory, 64m to 3g (default 512m)')
    .option('-e, --env <K=V>', 'set a variable (repeatable)', collect)
    .option('-w, --workdir <dir>', 'run in this directory')
    .option('-u, --user <user>', 'run as this user, NAME or UID, with :GROUP')
    .option('--rm', 'accepted: changes always vanish at exit')
    .option('--copy <src:dst>', 'copy a file or directory into the guest first (repeatable)', collect)
    .option('--disk <file[,ro]>', 'attach a raw disk; writes are kept (repeatable)', collect)
    .option('-d, --detach', 'run in the background and print the number of the VM')
    .option('--name <label>', 'what ps calls it')
    .option('--cpus <n>', 'CPU time that it may have, such as 0.5 (default 1)')
    .option('--slice <file>', 'another build of the slice')
    .option('--protect <how>', 'strict: refuse to run below the full protection level (see doctor)')
    .option('--monolithic', 'all parts in one process, unprotected: a baseline for measurements')
    .option('--boot-timeout <time>', 'end it if its guest does not run after this long (default 2m)')
    .option('--timeout <time>', 'stop after this long, such as 30s or 5m, with status 124')
    .option('--console-log <file>', "write the guest kernel's console there")
    .option('-v, --verbose', "show the guest kernel's console on stderr")
    .option('--mirror <url>', 'Debian mirror to make images from')
    .option('--strict-mirror', 'refuse other suites and releases past their Valid-Until')
    .option('--kernel <file>', 'boot this kernel (Image, Image.gz) instead of an image')
    .option('--initrd <file>', 'with --kernel: its initial RAM disk')
    .option('--append <words>', 'with --kernel: its command line (default console=ttyS0)')
    .option('--firmware <file>', "with --kernel: firmware in M-mode, such as OpenSBI's fw_dynamic")
    .option('--no-reboot', 'with --kernel: a reset ends the run')
    .addHelpText('after', NOTES);
  for (const [flags] of NOT_YET) runCommand.addOption(new Option(flags).hideHelp());
  runCommand.action(async (image: string | undefined, argv: string[], flags: RunFlags & Partial<KernelFlags>) => {
    for (const [name, hint] of NOT_YET) {
      const long = /--([a-z]+)/.exec(name)![1]!;
      if ((flags as unknown as Record<string, unknown>)[long] !== undefined)
        throw new CloisterError('bad-usage', `There is no --${long} yet`, { hint });
    }
    if (flags.detach === true && attended() === undefined) {
      await prepareDetached(image, flags);
      process.stdout.write(`${await detach(flags.name ?? image ?? flags.kernel ?? '')}\n`);
      finish(0);
      return;
    }
    if (flags.kernel !== undefined) {
      if (image !== undefined)
        throw new CloisterError('bad-usage', `With --kernel there is no image, but "${image}" was given`);
      finish(await runOwnKernel(flags as KernelFlags));
      return;
    }
    for (const name of ['initrd', 'append', 'firmware'] as const)
      if (flags[name] !== undefined) throw new CloisterError('bad-usage', `--${name} needs --kernel`);
    if (image === undefined)
      throw new CloisterError('bad-usage', 'No image was given', { hint: 'Try: cloister run debian uname -a' });
    finish(await run(image, argv, flags));
  });

  addMachineCommands(cloister, finish);
  addAuditCommands(cloister, finish);
  const images = cloister.command('image').description('make, list and remove images');
  const mirrored = (command: Command): Command =>
    command
      .option('--mirror <url>', 'Debian mirror')
      .option('--strict-mirror', 'refuse other suites and releases past their Valid-Until')
      .option('--json', 'print the manifest as JSON');
  images
    .command('ls')
    .description('list images')
    .option('--json', 'as JSON')
    .option('-q, --quiet', 'names only')
    .action(async (flags) => finish(await listImages(flags)));
  mirrored(images.command('pull').argument('<name>').description('make a built-in image')).action(
    async (name: string, flags) => finish(await pullImage(name, flags)),
  );
  mirrored(
    images
      .command('build')
      .argument('<name>')
      .description('make an image with more packages')
      .option('--from <image>', 'the image to start from', 'debian')
      .requiredOption('--packages <list>', 'Debian packages, comma-separated'),
  ).action(async (name: string, flags) => finish(await buildImage(name, flags)));
  images
    .command('rm')
    .argument('<names...>')
    .description('remove images')
    .action(async (names: string[]) => finish(await removeImages(names)));
  images
    .command('inspect')
    .argument('<name>')
    .description("print an image's manifest as JSON")
    .option('--json', 'accepted: the manifest is always JSON')
    .action(async (name: string) => finish(await inspectImage(name)));

  cloister
    .command('verify')
    .argument('[receipt...]', 'files that audits have left')
    .description('verify receipts, without the enclave and without a network')
    .option(
      '--key <fingerprint>',
      'the key that must have signed them, and their batches (repeatable; see "cloister audit ls --json")',
      collect,
    )
    .option(
      '--attestation-key <fingerprint>',
      'the key of the TPM that must have quoted them ("audit add --tpm" prints it)',
    )
    .option('--proofs <file>', 'where anybody verifies: the proofs of one receipt, to be verified again')
    .option('--public <file>', 'the public key that they are verified with')
    .option(
      '--rebuild',
      'build the enclave twice from its sources, and compare it with this build and with what receipts name',
    )
    .option('--json', 'as JSON')
    .action(async (files: string[], flags) =>
      finish(await (await import('./audit/verify.ts')).verifyReceipts(files, flags)),
    );
  cloister
    .command('doctor')
    .description('check whether this host can run guests')
    .option('--json', 'as JSON')
    .option('--mirror <url>', 'check this mirror')
    .action(async (flags) => finish(await doctor(flags)));
  return cloister;
}

/** Runs a command line and returns the exit status. Never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  const verbose = argv.includes('-v') || argv.includes('--verbose') || process.env.CLOISTER_LOG !== undefined;
  const json = argv.includes('--json') && argv[0] !== 'run';
  try {
    await program((value) => {
      status = value;
    }).parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === 'commander.help') return argv.length === 0 ? 0 : EXIT_CLOISTER;
      const text = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
      return report(new CloisterError('bad-usage', text.charAt(0).toUpperCase() + text.slice(1)), json, false);
    }
    return report(error, json, verbose);
  }
}
