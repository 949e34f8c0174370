import { pathToFileURL } from 'node:url';
import { COMPLAINT, encodeMachineStatus, type MachineStatus } from '@cloister/protocol';
import { collectThoroughly } from './collect.ts';
import { inherit } from './inherit.ts';
import { type MachineSettings, type RunningMachine, startMachine } from './machine.ts';

interface Settings {
  readonly machine: MachineSettings;
  readonly grantKey: string;
}

/** Where the hart's bundle lies for this process. */
const HART = pathToFileURL(process.argv[2]!);
const NO_EXITS = { sbi: 0, syscon: 0, budget: 0, 'frame-fault': 0, gate: 0 };

inherit<Settings>(({ settings, links, firstFile }, leave) => {
  const channel = links[0]!;
  let phase: MachineStatus['phase'] = 'launching';
  let reason = '';
  let retired = 0;
  let machine: RunningMachine | undefined;
  const fail = (why: string): void => {
    if (phase === 'failed') return;
    phase = 'failed';
    reason = why;
    leave();
  };
  try {
    machine = startMachine({
      ...settings.machine,
      channel,
      area: firstFile,
      grantKey: Buffer.from(settings.grantKey, 'base64'),
      hart: HART,
      log: (line) => void process.stderr.write(`${line}\n`),
      failed: fail,
      // The start's garbage is half a MiB, and a half of the young generation that nobody needs another (measured).
      warm: collectThoroughly,
      retired(instructions) {
        retired = instructions;
      },
    });
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  return {
    status: () =>
      encodeMachineStatus({
        complaint: channel.closed === undefined ? COMPLAINT.none : COMPLAINT.slice,
        phase,
        retired,
        exits: machine?.monitor.counts.exits ?? NO_EXITS,
        reason,
      }),
    async stop() {
      await machine?.stop();
      if (phase !== 'failed') phase = 'stopped';
    },
  };
});
