import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { thisNode } from '../packages/host/launcher/src/sandbox/node-runtime.ts';
import { sandboxed } from '../packages/host/launcher/src/sandbox/sandbox.ts';
import { systemCallsOutside } from './system-calls.ts';

const directory = mkdtempSync(join(tmpdir(), 'cloister-strace-'));
afterAll(() => rmSync(directory, { recursive: true }));

function traced(source: string): string {
  const log = join(directory, 'log');
  const entry = join(directory, 'entry.mjs');
  writeFileSync(entry, source);
  const file = { name: 'entry.mjs', path: entry, bytes: new Uint8Array() };
  const {
    args,
    env,
    file: command,
  } = sandboxed('none', {
    ...{ kind: 'storage', node: thisNode(), files: [file], filter: file, args: [], inherited: 0, dataBytes: 2 ** 30 },
  });
  const { status, stderr } = spawnSync('strace', ['-f', '-qq', '-o', log, command, ...args], {
    env: { ...env, PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return log;
}

test('a trace of a compartment shows what lies outside its list', () => {
  const quiet = traced(`setTimeout(() => {}, 10);`);
  const before = systemCallsOutside('storage', quiet, { jitless: false });
  const loud = traced(`import { mkdirSync } from 'node:fs'; import { connect } from 'node:net';
    try { mkdirSync('/nowhere/x'); } catch {}
    connect('/nowhere/socket').on('error', () => {});`);
  const after = systemCallsOutside('storage', loud, { jitless: false });
  expect([...before.keys()]).toEqual([]);
  expect([...after.keys()].sort()).toEqual(['connect', 'mkdir', 'socket']);
});

test('what is no trace is an error', () => {
  const empty = join(directory, 'empty');
  writeFileSync(empty, 'nothing');
  expect(() => systemCallsOutside('storage', empty, { jitless: false })).toThrow(/no system call/);
  expect(() => systemCallsOutside('kernel', empty, { jitless: false })).toThrow(/There is no kind "kernel"/);
});
