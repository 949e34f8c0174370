import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectMachine } from '@cloister/launcher';
import { type DiskEvent, recordDisk } from '../disk-record.ts';
import { recoverExt4 } from '../ext4.ts';
import type { FullCheck } from '../full.ts';
import { randomFrom } from '../kill.ts';
import { powerCuts } from '../power-cuts.ts';
import { lostRecords, startSteadyGuest } from '../steady-guest.ts';

const RECORDS = { quick: 150, full: 600 };
const CUTS = { quick: 100, full: 1000 };
const CONTROL_CUTS = 100;
const DEADLINE_MS = 600_000;

/** The host's power is cut at random points of what storage did: what the guest had synced is there afterwards. */
export const powerCut: FullCheck = async ({ quick }) => {
  const seed = Number(process.env.CLOISTER_SEED ?? Date.now() % 1e9);
  const folder = mkdtempSync(join(tmpdir(), 'cloister-power-cut-'));
  try {
    const { before, events, synced } = await record(join(folder, 'record'), quick ? RECORDS.quick : RECORDS.full);
    const disk = join(folder, 'disk.img');
    const random = randomFrom(seed);
    const check = (count: number, syncs: boolean): Outcome => {
      let [held, sure] = [0, 0];
      const faults: string[] = [];
      for (const cut of powerCuts(before, events, count, random, syncs)) {
        writeFileSync(disk, cut.image);
        const broken = recoverExt4(disk);
        const lost = broken === undefined ? lostRecords(disk, cut.synced) : [broken];
        if (lost.length === 0) held += 1;
        else if (faults.length < 5) faults.push(`After ${cut.synced} records: ${lost[0]!.slice(0, 300)}`);
        sure += cut.synced;
      }
      return { cuts: count, held, faults, meanRecordsSynced: Math.round(sure / count) };
    };
    const cuts = check(quick ? CUTS.quick : CUTS.full, true);
    const control = check(CONTROL_CUTS, false);
    const count = (kind: DiskEvent['kind']): number => events.filter((event) => event.kind === kind).length;
    return {
      holds: cuts.held === cuts.cuts && control.held < control.cuts,
      seed,
      recorded: { writes: count('write'), syncs: count('synced'), recordsSynced: synced },
      cuts,
      controlWithoutFdatasync: control,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

interface Outcome {
  readonly cuts: number;
  /** After so many of them everything that was synced was there, and the file system was clean. */
  readonly held: number;
  readonly faults: readonly string[];
  readonly meanRecordsSynced: number;
}

async function record(
  path: string,
  records: number,
): Promise<{ before: Buffer; events: readonly DiskEvent[]; synced: number }> {
  const guest = await startSteadyGuest();
  try {
    const storage = (await inspectMachine(guest.id)).compartments.find(({ kind }) => kind === 'storage')!;
    const descriptor = Object.entries(storage.descriptors).find(([, target]) => target === guest.disk)![0];
    const recorder = await recordDisk(storage.pid!, Number(descriptor), path);
    if (guest.beats.length > 0) throw new Error('The guest was faster than strace: the record has no beginning');
    const deadline = Date.now() + DEADLINE_MS;
    while (guest.beats.length < records && guest.wrong.length === 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const events = await recorder.end();
    const { synced, wrong } = await guest.finish();
    if (wrong.length > 0) throw new Error(wrong[0]);
    return { before: guest.before, events, synced };
  } finally {
    guest.remove();
  }
}
