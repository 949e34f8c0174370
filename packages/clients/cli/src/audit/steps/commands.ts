import type { Command } from 'commander';

const HERE = `These steps run in this process, with no enclave around them: whoever has this user account can read the keys.
`;

const EXAMPLE = `
Step by step, with FILE and what belongs to it side by side:
  cloister audit keygen --scheme cpor-private --out K      K.secret (the owner's) and K.public (the prover's)
  cloister audit tag --key K.secret FILE                   FILE.tags and FILE.tau, to be stored with FILE
  cloister audit challenge --key K.secret FILE.tau         FILE.challenge for the prover, FILE.asked for yourself
  cloister audit prove --public K.public FILE              FILE.proof; the prover needs no secret
  cloister audit verify --key K.secret FILE.tau FILE.asked FILE.proof
Where anybody verifies (cloister audit schemes), K.public does in the place of K.secret but for tag.`;

/** The five functions one by one, over files, for those who build on them. */
export function addStepCommands(audit: Command, finish: (status: number) => void): void {
  const step = (command: Command): Command => command.addHelpText('before', HERE).addHelpText('after', EXAMPLE);
  step(audit.command('keygen'))
    .description('step by step: make a key pair')
    .requiredOption('--scheme <name>', 'see "cloister audit schemes"')
    .requiredOption('--out <prefix>', 'PREFIX.secret and PREFIX.public are made, and never replaced')
    .option('--bits <n>', 'of an RSA modulus (default 3072)')
    .option('--block-size <size>', 'the longest blocks it is for, where a key depends on that (default 16k)')
    .option('--insecure', 'allow what is too weak or broken, for comparison')
    .action(async (flags) => finish(await (await import('./steps.ts')).keygenStep(flags)));
  step(audit.command('tag').argument('<file>'))
    .description('step by step: tag a file')
    .requiredOption('--key <secret>', "the owner's key")
    .option(
      '--public <public>',
      "for dynamic schemes, whose structure is made with it (default: the key's with .public)",
    )
    .option('--block-size <size>', 'bytes of a block, 16 to 16m (default 16k)')
    .action(async (file: string, flags) => finish(await (await import('./steps.ts')).tagStep(file, flags)));
  step(audit.command('challenge').argument('<tau>', 'the file tag'))
    .description('step by step: ask for blocks of a file')
    .requiredOption('--key <key>', 'the secret key, or the public one where anybody verifies')
    .option('--count <n>', 'so many random blocks (default 460)')
    .option('--indices <list>', 'these blocks, such as 0,7,12')
    .option('--range <first-last>', 'these blocks, such as 0-99')
    .option('--token <n>', 'this token, which was not used before (SEPDP)')
    .option('--out <prefix>', 'PREFIX.challenge and PREFIX.asked are written (default: as the file)')
    .action(async (tau: string, flags) => finish(await (await import('./steps.ts')).challengeStep(tau, flags)));
  step(audit.command('prove').argument('<file>').argument('[tags]').argument('[tau]').argument('[challenge]'))
    .description('step by step: answer a challenge, beside the data')
    .requiredOption('--public <public>', 'the public key')
    .option('--out <file>', 'where the proof goes (default FILE.proof)')
    .action(
      async (file: string, tags: string | undefined, tau: string | undefined, challenge: string | undefined, flags) =>
        finish(await (await import('./steps.ts')).proveStep({ file, tags, tau, challenge }, flags)),
    );
  step(audit.command('verify').argument('<tau>').argument('<asked>').argument('<proof>'))
    .description('step by step: say whether a proof is one; status 0 if so, 1 if not')
    .requiredOption('--key <key>', 'the secret key, or the public one where anybody verifies')
    .option('--json', 'as JSON')
    .action(async (tau: string, asked: string, proof: string, flags) =>
      finish(await (await import('./steps.ts')).verifyStep({ tau, asked, proof }, flags)),
    );
  audit
    .command('schemes')
    .description('list all schemes with what is known of them')
    .option('--json', 'as JSON')
    .action(async (flags) => finish((await import('./schemes.ts')).listSchemes(flags)));
}
