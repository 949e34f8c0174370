import { NOTICES } from '@cloister/evidence';
import { type Command, Option } from 'commander';
import { addAudit, listAudits, removeAudits, reportAudits, runAudits, showStatus, syncAudit } from './audit.ts';

const ROOT = `Root "software". ${NOTICES.software}.
`;

const EXAMPLES = `
  cloister audit add DIR      tag what lies there
  cloister audit run          read a sample and what is due, and say whether it is all still there
  cloister audit run --all    read everything

Exit status: 0 all intact, 1 something is not (or overdue), 125 Cloister.`;

/** The commands on audits. An audit is named as \`add\` said, or by the beginning of that name. */
export function addAuditCommands(cloister: Command, finish: (status: number) => void): void {
  const audit = cloister
    .command('audit')
    .description('prove that data on storage you do not trust is still there, unchanged')
    .addHelpText('before', ROOT)
    .addHelpText('after', EXAMPLES);
  audit
    .command('add')
    .argument('<store>', 'a directory')
    .description('begin to audit a store: tag all that it holds; an interrupted one goes on')
    .option('--name <name>', 'what the audit is called')
    .option('--block-size <size>', 'bytes that are tagged and read at once, 4k to 128k (default 16k)')
    .option('--period <time>', 'time within which each block is read once (default 30d)')
    .addOption(new Option('--scheme <name>', 'how blocks are tagged').default('mac-pdp').hideHelp())
    .option('--json', 'as JSON')
    .action(async (store: string, flags) => finish(await addAudit(store, flags)));
  audit
    .command('sync')
    .argument('[audit]')
    .description('tag what is new in a store')
    .option('--removed', 'what is gone was removed by you')
    .option('--changed', 'what has changed was changed by you')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, flags) => finish(await syncAudit(name, flags)));
  audit
    .command('run')
    .argument('[audit...]', 'all of them unless named')
    .description('read blocks of stores and check them')
    .option('--all', 'every block')
    .option('--sample <n>', 'random blocks beside those that are due (default 460)')
    .option('--due <n>', 'at most so many of the blocks that are due')
    .option('--json', 'as JSON')
    .action(async (names: string[], flags) => finish(await runAudits(names, flags)));
  audit
    .command('status')
    .argument('[audit...]', 'all of them unless named')
    .description('when each store was audited last, and what was found')
    .option('--max-age <time>', 'an audit that is older is overdue, and the status 1', '7d')
    .option('--json', 'as JSON')
    .action(async (names: string[], flags) => finish(await showStatus(names, flags)));
  audit
    .command('report')
    .argument('[audit...]', 'all of them unless named')
    .description('what the receipts of audits say, each verified')
    .option('--json', 'as JSON')
    .action(async (names: string[], flags) => finish(await reportAudits(names, flags)));
  audit
    .command('ls')
    .description('list audits')
    .option('-q, --quiet', 'names only')
    .option('--json', 'as JSON')
    .action(async (flags) => finish(await listAudits(flags)));
  audit
    .command('rm')
    .argument('<audit...>')
    .description('forget audits, their keys and tags; the stores are not touched')
    .action(async (names: string[]) => finish(await removeAudits(names)));
}
