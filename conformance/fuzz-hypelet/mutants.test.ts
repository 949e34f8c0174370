import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { mutantPlugin } from '../../tools/mutant.ts';
import type { fuzzHypelet } from './command.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hypelet-mutants-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A check of the monitor's, and the monitor without it. */
const MUTANTS: readonly (readonly [check: string, file: string, from: string, to: string])[] = [
  ['one run at a time', 'hypelet-calls/decode.ts', "if (hart.phase === 'running') return", 'if (false) return'],
  ['replies to the last exit alone', 'hypelet-calls/decode.ts', 'if (call.exit !== (', 'if (false && call.exit !== ('],
  [
    'registers that may change',
    'hypelet-calls/decode.ts',
    'exitMask(hart.reason).mayChange.includes(register)',
    'true',
  ],
  ['registers that are exposed', 'harts.ts', 'hart.shadow.clear();', ''],
  ['grants are used once', 'hypelet-calls/decode.ts', 'call.sequence <= budget.sequence', 'false'],
  ['grants are the scheduler’s', 'hypelet-calls/decode.ts', '!isHmacSha256(', 'false && !isHmacSha256('],
  ['no run without a budget', 'hypelet-calls/decode.ts', 'if (budgetLeft(board, call.hart) === 0)', 'if (false)'],
  ['lines of driven devices', 'hypelet-calls/decode.ts', 'if (!isLive(device))', 'if (false)'],
  ['injections are rare', 'hypelet-calls/decode.ts', '< INJECTION_INTERVAL_MS', '< 0'],
  [
    'frames are given while absent',
    'hypelet-calls/decode.ts',
    '!allAbsent(pit, frame, count)',
    'frame + count > pit.states.length',
  ],
  ['frames leave while no hart runs', 'hypelet-calls/decode.ts', 'if (!machine.harts.every(canLose))', 'if (false)'],
  [
    'a frame that left is zeros',
    'tables/pit.ts',
    'memory.ram.fill(0, frame * FRAME_BYTES, (frame + 1) * FRAME_BYTES);',
    '',
  ],
  [
    'the latest version alone',
    'hypelet-calls/decode.ts',
    'machine.seal.open(frame, version, sealed)',
    'sealed.subarray(0, 4096)',
  ],
  ['a launch begins with nothing', 'launch/act.ts', 'resetPit(pit);', ''],
  [
    'updates lie in the VM’s frames',
    'io-gate/guest-memory.ts',
    '(memory.frames[frame]! & FRAME.absent) !== 0',
    'false',
  ],
  ['the expected digest', 'launch/decode.ts', '!isExpected(launch, digest)', 'false'],
  ['a launch ends once', 'launch/decode.ts', "if (launch.phase === 'finished') return", 'if (false) return'],
  ['what is no message closes the channel', 'monitor.ts', 'channel.close(fault);', ''],
];

async function fuzzWithout(file: string, from: string, to: string): Promise<typeof fuzzHypelet> {
  const outfile = join(folder, `${MUTANTS.findIndex((mutant) => mutant[2] === from)}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL('command.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
    plugins: [mutantPlugin(ROOT, [[`packages/trusted/monitor/src/${file}`, from, to]])],
  });
  return ((await import(pathToFileURL(outfile).href)) as { fuzzHypelet: typeof fuzzHypelet }).fuzzHypelet;
}

test.each(MUTANTS)('a monitor that does not check "%s" is found', async (_check, file, from, to) => {
  const fuzz = await fuzzWithout(file, from, to);
  expect(fuzz(20_000, 20261125).faults).toHaveLength(1);
});
