import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { builderHere } from '../../testing/builder-here.ts';
import { testCache } from '../../testing/mirror.ts';
import { qemuStarter } from '../../testing/qemu-machine.ts';
import type { Image } from '../images-context.ts';
import { openImages } from '../open-images.ts';
import { runSession } from './run-session.ts';
import { SESSION_PORTS, type SessionOptions, sessionScript, signalMessage } from './session-protocol.ts';

// The guest's side of the session protocol, on Debian's QEMU.
const start = qemuStarter(60_000);
let image: Image;

beforeAll(async () => {
  image = await openImages({ cacheDirectory: testCache(), startVirtualMachine: start, startBuilder: builderHere }).pull(
    'busybox',
  );
}, 240_000);

async function run(
  options: SessionOptions,
  stdin = '',
  onStart?: (control: { write(bytes: Uint8Array): Promise<void> }) => void,
) {
  const machine = await start({
    memoryBytes: 256 << 20,
    kernel: readFileSync(image.kernel),
    initrd: readFileSync(image.initrd),
    commandLine: image.commandLine,
    ports: SESSION_PORTS,
  });
  const text = { stdout: '', stderr: '', console: '' };
  machine.console.onData = (bytes) => {
    text.console += Buffer.from(bytes).toString();
  };
  let told = false;
  const end = await runSession(machine, sessionScript(options), {
    stdin: Buffer.from(stdin),
    onStdout: (bytes) => {
      text.stdout += Buffer.from(bytes).toString();
      if (!told) onStart?.(machine.ports.get('cloister.control')!);
      told = true;
    },
    onStderr: (bytes) => {
      text.stderr += Buffer.from(bytes).toString();
    },
  });
  return { ...text, status: end.kind === 'exited' ? end.status : end };
}

const sh = (script: string) => ['sh', '-c', script];

describe('without a terminal', () => {
  test("stdin, stdout, stderr and the status are the command's, and arrive apart", async () => {
    expect(await run({ argv: sh('cat; echo err >&2; exit 7') }, 'hi\n')).toEqual({
      stdout: 'hi\n',
      stderr: 'err\n',
      console: '',
      status: 7,
    });
  });

  test('/dev/stdin, /dev/stdout and /dev/stderr can be opened again, by another user too', async () => {
    const script = 'id -un; cat /dev/stdin > /dev/stdout; echo e > /dev/stderr; pwd; echo $HOME';
    expect(await run({ argv: sh(script), user: 'nobody', cwd: '/new/place' }, 'in\n')).toMatchObject({
      stdout: 'nobody\nin\n/new/place\n/\n',
      stderr: 'e\n',
      status: 0,
    });
  });

  test('what the command leaves running does not delay its end, and nothing is lost', async () => {
    const result = await run({ argv: sh('sleep 1000 & yes | head -c 3000000; kill -9 $$') });
    expect(result.stdout).toHaveLength(3_000_000);
    expect(result).toMatchObject({ stderr: '', status: 137 });
  });

  test('a signal reaches the whole process group', async () => {
    const control = (port: { write(bytes: Uint8Array): Promise<void> }) => void port.write(signalMessage('SIGTERM'));
    expect(await run({ argv: sh('echo up; sleep 1000') }, '', control)).toMatchObject({ status: 143 });
  });

  test.each([
    [['nosuch'], 127, /nosuch: not found/],
    [['/etc/passwd'], 126, /Permission denied/],
  ])('%j', async (argv, status, stderr) => {
    const result = await run({ argv });
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(stderr);
  });

  test('a user that is not there', async () => {
    expect(await run({ argv: ['id'], user: 'xyz' })).toMatchObject({
      status: 125,
      stderr: 'unable to find user xyz\n',
    });
  });
});

test('on a terminal of the given size', async () => {
  const result = await run({
    argv: sh('tty; stty size; echo $FOO; exit 3'),
    terminal: { rows: 33, columns: 77 },
    env: { FOO: "a 'b'" },
  });
  expect(result).toEqual({ stdout: '', stderr: '', console: "/dev/hvc0\r\n33 77\r\na 'b'\r\n", status: 3 });
});
