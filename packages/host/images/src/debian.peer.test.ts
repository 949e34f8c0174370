import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { builderHere } from '../testing/builder-here.ts';
import { testCache } from '../testing/mirror.ts';
import { qemuStarter } from '../testing/qemu-machine.ts';
import { runSession } from './guest/run-session.ts';
import { SESSION_PORTS, sessionScript } from './guest/session-protocol.ts';
import type { Image } from './images-context.ts';
import { openImages } from './open-images.ts';

// Builds in Debian's QEMU what Cloister builds in its own machine, from the mirror that this machine uses.
const start = qemuStarter(400_000);
const images = openImages({
  cacheDirectory: testCache(),
  startVirtualMachine: start,
  startBuilder: builderHere,
  warn: (line) => console.warn(line),
});

async function run(image: Image, script: string) {
  const machine = await start({
    memoryBytes: 512 << 20,
    kernel: readFileSync(image.kernel),
    initrd: readFileSync(image.initrd),
    commandLine: image.commandLine,
    disks: [image.rootDisk!],
    ports: SESSION_PORTS,
  });
  let stdout = '';
  let stderr = '';
  const end = await runSession(machine, sessionScript({ argv: ['sh', '-c', script] }), {
    onStdout: (bytes) => {
      stdout += Buffer.from(bytes).toString();
    },
    onStderr: (bytes) => {
      stderr += Buffer.from(bytes).toString();
    },
  });
  return { stdout, stderr, status: end.kind === 'exited' ? end.status : end };
}

describe('the debian image', () => {
  let image: Image;
  beforeAll(async () => {
    await images.remove('debian').catch(() => undefined);
    image = await images.pull('debian');
  }, 400_000);

  test('is a Debian with a working dpkg, apt and perl', async () => {
    const result = await run(
      image,
      'dpkg --audit; apt-cache policy bash | grep Installed; perl -e "print 2**100"; echo; wc -c < /etc/machine-id; exit 7',
    );
    expect(result).toMatchObject({
      stderr: '',
      status: 7,
      stdout: expect.stringMatching(/^ {2}Installed: \d.*\n1\.26765060022823e\+30\n0\n$/),
    });
  });

  test('says that there is no network, and names the public mirror alone', async () => {
    const result = await run(image, 'cat /etc/motd; cat /etc/apt/sources.list; apt-get update');
    expect(result.stdout).toMatch(
      /no network yet[\s\S]*image build[\s\S]*\ndeb https:\/\/ftp\.debian\.org\/debian [a-z]+ main\n/,
    );
    expect(result.stderr).toMatch(/^Cloister: there is no network/);
  });

  test('made again from the same packages it has the same bytes', { timeout: 400_000 }, async () => {
    const before = image.manifest;
    await images.remove('debian');
    image = await images.pull('debian');
    expect(image.manifest).toEqual(before);
  });

  test('takes more packages', { timeout: 400_000 }, async () => {
    const more = await images.build('peer-test', { packages: ['hello'] });
    expect(more.manifest).toMatchObject({ from: 'debian', added: ['hello'] });
    expect(await run(more, 'hello; dpkg --audit')).toEqual({ stdout: 'Hello, world!\n', stderr: '', status: 0 });
    await images.remove('peer-test');
    await expect(images.build('peer-test', { packages: ['no-such-package'] })).rejects.toMatchObject({
      code: 'missing-package',
    });
  });
});
