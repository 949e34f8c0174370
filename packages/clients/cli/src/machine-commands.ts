import type { Command } from 'commander';
import {
  debugSlice,
  endMachines,
  inspectMachine,
  listMachines,
  removeMachines,
  showLogs,
  upgradeSlice,
} from './machines.ts';

/** The commands on VMs that run. A VM is named by its number, the beginning of it, or its label. */
export function addMachineCommands(cloister: Command, finish: (status: number) => void): void {
  cloister
    .command('ps')
    .description('list running VMs')
    .option('-a, --all', 'also runs in the background that have ended')
    .option('-q, --quiet', 'numbers only')
    .option('--json', 'as JSON')
    .action(async (flags) => finish(await listMachines(flags)));
  cloister
    .command('inspect')
    .argument('<vm>')
    .description("show a VM's compartments: process, protection level, memory, restarts, round trips")
    .option('--compartments', 'also what each holds')
    .option('--json', 'as JSON')
    .action(async (vm: string, flags) => finish(await inspectMachine(vm, flags)));
  cloister
    .command('stop')
    .argument('<vm...>')
    .description('ask VMs to end, and end them after 15 s')
    .action(async (vms: string[]) => finish(await endMachines(vms, 'stop')));
  cloister
    .command('kill')
    .argument('<vm...>')
    .description('end VMs at once')
    .action(async (vms: string[]) => finish(await endMachines(vms, 'kill')));
  cloister
    .command('rm')
    .argument('<vm...>')
    .description('forget runs in the background that have ended')
    .option('-f, --force', 'end those that have not')
    .action(async (vms: string[], flags) => finish(await removeMachines(vms, flags)));
  cloister
    .command('logs')
    .argument('<vm>')
    .description('show what a run in the background has written')
    .option('-f, --follow', 'until it ends')
    .option('--operator', "what the VM's compartments say, instead")
    .action(async (vm: string, flags) => finish(await showLogs(vm, flags)));
  cloister
    .command('upgrade')
    .argument('<vm>')
    .description('replace the slice of a running VM by the newest build')
    .option('--slice <file>', 'by this one')
    .action(async (vm: string, flags) => finish(await upgradeSlice(vm, flags)));
  cloister
    .command('debug')
    .argument('<vm>')
    .description('open an inspector on the slice of a running VM')
    .requiredOption('--slice', 'the slice: the only part that can be debugged')
    .action(async (vm: string) => finish(await debugSlice(vm)));
}
