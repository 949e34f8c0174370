import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newMachineId, runImage } from '@cloister/sdk';
import { makeExt4, readExt4 } from './ext4.ts';
import { compileGuestProgram } from './guest-program.ts';
import { isRecord, pattern, RECORD_FILES, recordNumber } from './steady-records.ts';

const DISK_MIB = 24;
/** Bytes of input at a time. */
const INPUT_BYTES = 700;
const INPUT_INTERVAL_MS = 20;

/** A guest that writes, syncs and verifies an ext4 on a raw disk, and counts a stream in and one out, until `finish`. */
export interface SteadyGuest {
  readonly id: string;
  readonly disk: string;
  /** What the disk held before the guest ran. */
  readonly before: Buffer;
  /** When the guest said that one more record was synced, in milliseconds of `performance.now`. */
  readonly beats: readonly number[];
  /** What was seen to be wrong so far. */
  readonly wrong: readonly string[];
  /** Resolves with what the guest and this side counted, once the guest has ended. */
  finish(): Promise<SteadyEnd>;
  remove(): void;
}

export interface SteadyEnd {
  readonly synced: number;
  readonly verified: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly wrong: readonly string[];
}

export async function startSteadyGuest(): Promise<SteadyGuest> {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-steady-'));
  const disk = join(folder, 'disk.img');
  const program = join(folder, 'steady-writer');
  makeExt4(disk, DISK_MIB);
  const before = readFileSync(disk);
  compileGuestProgram('steady-writer', program);
  const id = newMachineId();
  const wrong: string[] = [];
  const beats: number[] = [];
  let lines = '';
  let verified = 0;
  let end: readonly number[] | undefined;
  let sent = 0;
  let received = 0;
  let finished = false;
  let console = '';

  const hearLine = (line: string): void => {
    const [word, ...numbers] = line.split(' ');
    if (word === 'synced') {
      beats.push(performance.now());
      if (Number(numbers[0]) !== beats.length) wrong.push(`"${line}" is not what comes ${beats.length}th`);
    } else if (word === 'verified') verified += 1;
    else if (word === 'end') end = numbers.map(Number);
    else wrong.push(`The guest says "${line}"`);
  };
  async function* input(): AsyncGenerator<Uint8Array> {
    while (!finished) {
      const from = sent;
      sent += INPUT_BYTES;
      yield Uint8Array.from({ length: INPUT_BYTES }, (_, i) => pattern(from + i));
      await new Promise((resolve) => setTimeout(resolve, INPUT_INTERVAL_MS));
    }
  }
  const run = await runImage({
    image: 'debian',
    argv: ['sh', '-c', 'mount -t ext4 /dev/vdb /mnt && /bin/steady-writer /mnt && umount /mnt'],
    disks: [disk],
    copies: [`${program}:/bin/steady-writer`],
    memoryBytes: 256 * 2 ** 20,
    stdin: input(),
    launch: { id, log: (line) => process.env.CLOISTER_BENCH_LOG !== undefined && globalThis.console.error(line) },
    onConsole(bytes) {
      console = (console + Buffer.from(bytes).toString('latin1')).slice(-16_384);
    },
    onStdout(bytes) {
      lines += Buffer.from(bytes).toString('latin1');
      for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n')) {
        hearLine(lines.slice(0, at));
        lines = lines.slice(at + 1);
      }
    },
    onStderr(bytes) {
      const first = bytes.findIndex((byte, i) => byte !== pattern(received + i));
      if (first >= 0 && wrong.length < 10) wrong.push(`Byte ${received + first} of the output is not the guest's`);
      received += bytes.length;
    },
  });
  const status = run.status.catch((error: Error) => {
    wrong.push(`The guest ended: ${error.message}`);
    return undefined;
  });
  return {
    id,
    disk,
    before,
    beats,
    wrong,
    async finish() {
      finished = true;
      const code = await status;
      if (code !== 0) wrong.push(`The guest's command ended with status ${code}`);
      if (/Kernel panic|Call Trace|I\/O error|EXT4-fs error|blocked for more/.test(console))
        wrong.push(`The guest's kernel complains: ${console.slice(-2000)}`);
      const [synced, verifiedThere, inputBytes, outputBytes] = end ?? [];
      if (synced !== beats.length) wrong.push(`The guest synced ${synced} records and said so ${beats.length} times`);
      if (verifiedThere !== verified) wrong.push(`The guest verified ${verifiedThere} and said so ${verified} times`);
      if (inputBytes !== sent) wrong.push(`The guest got ${inputBytes} of ${sent} bytes`);
      if (outputBytes !== received) wrong.push(`The guest wrote ${outputBytes} bytes, of which ${received} came`);
      wrong.push(...lostRecords(disk, beats.length));
      return { synced: beats.length, verified, inputBytes: sent, outputBytes: received, wrong };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What of the first `synced` records is not in the file system, the newest of each file; whole newer ones may be. */
export function lostRecords(disk: string, synced: number): string[] {
  const files = readExt4(disk);
  const lost: string[] = [];
  for (let n = Math.max(1, synced - RECORD_FILES + 1); n <= synced; n += 1) {
    const file = files.get(String(n % RECORD_FILES).padStart(3, '0'));
    const found = file === undefined ? undefined : recordNumber(file);
    const whole =
      found !== undefined && found >= n && found % RECORD_FILES === n % RECORD_FILES && isRecord(found, file!);
    if (!whole)
      lost.push(`Record ${n} was synced and is lost: its file ${file === undefined ? 'is gone' : `holds ${found}`}`);
  }
  return lost;
}
