import { NOTICES } from '@cloister/evidence';
import type { Command } from 'commander';
import { addHandOverCommands } from './hand-over/commands.ts';
import type { ProverFlags } from './prover.ts';
import { addStepCommands } from './steps/commands.ts';

const ROOT = `Root "software". ${NOTICES.software}.
`;

const EXAMPLES = `
  cloister audit add DIR      tag what lies there
  cloister audit run          read a sample and what is due, and say whether it is all still there
  cloister audit run --all    read everything

Exit status: 0 all intact, 1 something is not (or overdue), 125 Cloister.`;

const PROVER_NOTES = `
Asked over plain HTTP: POST /prove/FILE with the bytes of FILE.challenge, as
  curl --data-binary @FILE.challenge -H content-type:application/cbor http://127.0.0.1:7480/prove/FILE -o FILE.proof
Whoever may ask can learn what lies below DIR (proofs are combinations of blocks, or hold them): do not put keys there, and
let others reach it only through a proxy that knows who they are and speaks TLS.`;

const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];

const limited = (command: Command): Command =>
  command
    .option('--limit-rate <rate>', 'bytes a second that are read at most, such as 10m')
    .option('--max-cost <money>', 'read no more once this is spent')
    .option('--price-requests <money>', 'for a thousand requests (default 0.0004)')
    .option('--price-traffic <money>', 'for 10^9 bytes (default 0.09)');

/**
 * The commands on audits. What carries them out is loaded when one is given: with it the start of a VM would take longer.
 * An audit is named as \`add\` said, or by the beginning of that name.
 */
export function addAuditCommands(cloister: Command, finish: (status: number) => void): void {
  const audit = cloister
    .command('audit')
    .description('prove that data on storage you do not trust is still there, unchanged')
    .addHelpText('before', ROOT)
    .addHelpText('after', EXAMPLES);
  limited(audit.command('add').argument('<store>', 'a directory'))
    .description('begin to audit a store: tag all that it holds; an interrupted one goes on')
    .option('--name <name>', 'what the audit is called')
    .option('--from <dir>', 'tag your own copy, which lies there, in the place of what the store gives')
    .option('--block-size <size>', 'bytes that are tagged and read at once, 4k to 128k (default 16k)')
    .option('--period <time>', 'time within which each block is read once (default 30d)')
    .option('--prover <url>', 'ask for proofs there, where "cloister audit prover" will serve the store with its tags')
    .option('--scheme <name>', 'how blocks are tagged (default gmac-cpor; see "cloister audit schemes")')
    .option('--passphrase', 'seal keys under a passphrase (asked for, or CLOISTER_AUDIT_PASSPHRASE)')
    .option('--tpm', 'seal keys to what this machine has booted and what the enclave is, by its TPM')
    .option(
      '--counter <url>',
      'keep the counter against rollback at a second store: https://HOST/OBJECT, s3://BUCKET/OBJECT',
    )
    .option('--recipient <age1…>', 'seal keys for an age identity (opened with the file CLOISTER_AGE_IDENTITY)')
    .option('--json', 'as JSON')
    .action(async (store: string, flags) => finish(await (await import('./tag.ts')).addAudit(store, flags)));
  limited(audit.command('sync').argument('[audit]'))
    .description('tag what is new in a store')
    .option('--removed', 'what is gone was removed by you')
    .option('--changed', 'what has changed was changed by you')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, flags) => finish(await (await import('./tag.ts')).syncAudit(name, flags)));
  const reads = (command: Command): Command =>
    limited(command.argument('[audit...]', 'all of them unless named'))
      .option('--all', 'every block')
      .option('--sample <n>', 'random blocks beside those that are due (default 460)')
      .option('--due <n>', 'at most so many of the blocks that are due')
      .option('--prometheus <file>', 'write what is known then as metrics')
      .option('--json', 'as JSON');
  reads(audit.command('run'))
    .description('read blocks of stores and check them')
    .action(async (names: string[], flags) => finish(await (await import('./run.ts')).runAudits(names, flags)));
  reads(audit.command('watch'))
    .description('audit again and again')
    .option('--every <time>', 'from one beginning to the next', '1d')
    .action(async (names: string[], flags) => finish(await (await import('./watch.ts')).watchAudits(names, flags)));
  limited(audit.command('plan').argument('[audit...]', 'all of them unless named'))
    .description('what audits cost in requests, bytes, time and money, before anything is read')
    .option('--every <time>', 'from one audit to the next', '1d')
    .option('--period <time>', 'another period than the one that the audit has')
    .option('--sample <n>', 'random blocks of each audit (default 460)')
    .option('--json', 'as JSON')
    .action(async (names: string[], flags) => finish(await (await import('./plan.ts')).planAudits(names, flags)));
  audit
    .command('status')
    .argument('[audit...]', 'all of them unless named')
    .description('when each store was audited last, and what was found')
    .option('--max-age <time>', 'an audit that is older is overdue, and the status 1', '7d')
    .option('--json', 'as JSON')
    .action(async (names: string[], flags) => finish(await (await import('./status.ts')).showStatus(names, flags)));
  audit
    .command('report')
    .argument('[audit...]', 'all of them unless named')
    .description('what the receipts of audits say, each verified')
    .option('--html <file>', 'also as one page, which verifies its receipts itself')
    .option('--json', 'as JSON')
    .action(async (names: string[], flags) => finish(await (await import('./report.ts')).reportAudits(names, flags)));
  audit
    .command('ls')
    .description('list audits')
    .option('-q, --quiet', 'names only')
    .option('--json', 'as JSON')
    .action(async (flags) => finish(await (await import('./status.ts')).listAudits(flags)));
  audit
    .command('rm')
    .argument('<audit...>')
    .description('forget audits, their keys and tags; the stores are not touched')
    .action(async (names: string[]) => finish(await (await import('./status.ts')).removeAudits(names)));
  audit
    .command('prover')
    .argument('<dir>', 'the data, with FILE.tags and FILE.tau beside each FILE, or tags that "audit add --prover" left')
    .description('serve proofs over HTTP, beside the data; it has no secret key')
    .option('--listen <address>', 'HOST:PORT; port 0 for a free one', '127.0.0.1:7480')
    .option('--tags <dir>', 'where FILE.tags and FILE.tau lie, if elsewhere')
    .option(
      '--public <file>',
      'the public key of files that were tagged step by step (repeatable: one a scheme)',
      collect,
    )
    .option('--at-once <n>', 'so many proofs at once (default 4)')
    .option('--max-read <size>', 'of blocks that one answer may read (default 64m)')
    .option('--log', 'tell of each request on stderr')
    .addHelpText('after', PROVER_NOTES)
    .action(async (directory: string, flags: ProverFlags) =>
      finish(await (await import('./prover.ts')).runProver(directory, flags)),
    );
  addHandOverCommands(audit, finish);
  addStepCommands(audit, finish);
}
