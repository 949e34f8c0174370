import type { Command } from 'commander';
import type { GiveFlags, OfferFlags, PolicyFlags } from './hand-over.ts';

const STEPS = `
An audit's keys go from where they were made to where audits run, sealed to an enclave there:
  there   cloister audit policy --out policy.json        once, while you trust what is installed; copy it to your machine
  yours   cloister audit hand-over AUDIT                  says a nonce
  there   cloister audit offer --nonce NONCE --out FILE   says the key that it is signed with: see that you see it there
  yours   cloister audit hand-over AUDIT --offer FILE --policy policy.json --key KEY --out DIR
  there   cloister audit take-over DIR
Whoever carries the files can read or change nothing in them. Under root "software" whoever has the account or kernel of the
machine that audits can read the keys; with --tpm that machine says what it has booted.`;

/** How an audit gets from one machine to another. */
export function addHandOverCommands(audit: Command, finish: (status: number) => void): void {
  const step = (command: Command): Command => command.option('--json', 'as JSON').addHelpText('after', STEPS);
  step(audit.command('hand-over').argument('<audit>'))
    .description('give an audit to the enclave of another machine; without --offer, draw a nonce for its offer')
    .option('--offer <file>', 'what "cloister audit offer" has made there')
    .option('--policy <file>', 'which enclaves may have the keys')
    .option('--key <fingerprint>', 'the key that the offer is signed with, as it was shown there')
    .option('--store <store>', 'the store as it is named there (default: as here)')
    .option('--out <dir>', 'a directory to make, which goes there (default AUDIT.handed)')
    .action(async (name: string, flags: GiveFlags) =>
      finish(await (await import('./hand-over.ts')).handOverAudit(name, flags)),
    );
  step(audit.command('offer'))
    .description('offer to take an audit over from its owner')
    .requiredOption('--nonce <nonce>', 'what "cloister audit hand-over AUDIT" has said there')
    .option('--name <name>', 'what the audit will be called here', 'handed')
    .option('--out <file>', 'where the offer goes (default NAME.offer)')
    .option('--passphrase', 'seal keys under a passphrase (asked for, or CLOISTER_AUDIT_PASSPHRASE)')
    .option('--tpm', 'seal keys to what this machine has booted and what the enclave is, by its TPM')
    .option('--recipient <age1…>', 'seal keys for an age identity (opened with the file CLOISTER_AGE_IDENTITY)')
    .option('--counter <url>', 'keep the counter at a second store, as "audit add --counter" does')
    .action(async (flags: OfferFlags) => finish(await (await import('./hand-over.ts')).offerForAudit(flags)));
  audit
    .command('policy')
    .description('say which enclave this installation has, as a policy for those who give it keys')
    .option('--tpm', 'on this machine alone, as it has booted now')
    .option('--max-age <time>', 'how long a nonce is good for', '1d')
    .option('--out <file>', 'where it goes (default: it is printed)')
    .addHelpText('after', STEPS)
    .action(async (flags: PolicyFlags) => finish(await (await import('./hand-over.ts')).showPolicy(flags)));
  step(audit.command('take-over').argument('<dir>'))
    .description('take over an audit that its owner has handed to an offer of this machine')
    .action(async (directory: string, flags) =>
      finish(await (await import('./hand-over.ts')).takeOverAudit(directory, flags)),
    );
}
