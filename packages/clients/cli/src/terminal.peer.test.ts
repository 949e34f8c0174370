import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from './testing/command.ts';

const BIN = fileURLToPath(new URL('../bin/cloister.mjs', import.meta.url));
/** A server of this test's own, so that nobody's sessions are touched. */
const SOCKET = `cloister-test-${process.pid}`;
const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-L', SOCKET, ...args], { encoding: 'utf8', timeout: 10_000 });
const keys = (...names: string[]): string => tmux('send-keys', '-t', 't', ...names);
const screen = (): string => tmux('capture-pane', '-p', '-t', 't');

async function shows(pattern: RegExp, seconds = 40): Promise<void> {
  for (let tries = 0; tries < seconds * 5; tries += 1) {
    if (pattern.test(screen())) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(screen()).toMatch(pattern);
}

beforeAll(async () => {
  const { status, stderr } = await start(['image', 'pull', 'busybox'], {}, 300_000).finished;
  if (status !== 0) throw new Error(stderr);
  tmux('new-session', '-d', '-s', 't', '-x', '90', '-y', '30', 'env PS1="host> " sh');
}, 310_000);
afterAll(() => {
  tmux('kill-server');
});

test('a terminal is a real one: size, resize, Ctrl-C, escape; and it is restored', async () => {
  keys(`${process.execPath} ${BIN} run busybox`, 'Enter');
  await shows(/^\/ #/m);
  keys('stty size; tty', 'Enter');
  await shows(/^30 90\n\/dev\/hvc0/m);
  tmux('resize-window', '-t', 't', '-x', '100', '-y', '40');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  keys('stty size', 'Enter');
  await shows(/^40 100$/m);
  keys('echo sleeping; sleep 1000', 'Enter');
  await shows(/^sleeping$/m);
  keys('C-c');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  keys('echo again $((6 * 7))', 'Enter');
  await shows(/^again 42$/m);
  // One escape character is the guest's, two leave it.
  // Words of a command that runs stand alone in their line: the shell's line editor has let go of the terminal then.
  keys('echo ready; cat', 'Enter');
  await shows(/^ready$/m);
  keys('C-]');
  keys('x', 'Enter');
  await shows(/^\^\]x$/m);
  keys('C-]', 'C-]');
  await shows(/^host>$/m);
  keys('echo "status $?"; stty -a', 'Enter');
  await shows(/^status 130$/m);
  await shows(/ icanon/);
}, 120_000);

test('it is restored when Cloister is terminated', async () => {
  keys('clear', 'Enter');
  keys(
    `${process.execPath} ${BIN} run -t busybox sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 1; done'`,
    'Enter',
  );
  await shows(/^up$/m);
  execFileSync('pkill', ['-TERM', '-f', `${BIN} run -t busybox`]);
  await shows(/^host>$/m);
  keys('echo "status $?"; stty -a', 'Enter');
  await shows(/^status 9$/m);
  await shows(/ icanon/);
}, 120_000);
