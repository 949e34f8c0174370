import type { Builder } from '../builder/builder.ts';
import { collect } from '../collect.ts';
import { fail } from '../failure.ts';
import { GUEST_INIT } from '../guest/init.ts';
import { type InitramfsEntry, initramfs } from '../initramfs.ts';
import type { Kernel } from './kernel.ts';

/**
 * The kernel's command line for all images: messages to the UART, no self-tests of the crypto code (80 % of a boot's
 * instructions, engine.md), a reset on panic (which the host sees), warnings and worse only.
 */
export const COMMAND_LINE = 'console=ttyS0 cryptomgr.notests=1 panic=-1 loglevel=4';

const LIMIT = 64 * 1024 * 1024;

/** The initramfs of all images: busybox, init, and modules for a root disk. The same inputs give the same bytes. */
export function guestInitramfs(kernel: Kernel, busybox: Uint8Array): Uint8Array {
  const directories = [
    'bin',
    'dev',
    'etc',
    'lib',
    'lib/modules',
    'proc',
    'root',
    'run',
    'sbin',
    'sys',
    'tmp',
    'usr',
    'usr/bin',
    'usr/sbin',
    'var',
  ];
  const file = (name: string, content: string | Uint8Array, mode = 0o644): InitramfsEntry => ({
    name,
    kind: 'file',
    mode,
    content: typeof content === 'string' ? Buffer.from(content) : content,
  });
  return initramfs([
    ...directories.map((name): InitramfsEntry => ({ name, kind: 'directory' })),
    { name: 'dev/console', kind: 'character', mode: 0o600, major: 5, minor: 1 },
    file('bin/busybox', busybox, 0o755),
    { name: 'bin/sh', kind: 'symlink', target: 'busybox' },
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'),
    file('etc/group', 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'),
    file('etc/hostname', 'cloister\n'),
    file('etc/hosts', '127.0.0.1 localhost cloister\n::1 localhost\n'),
    file('init', GUEST_INIT, 0o755),
    ...kernel.modules.map(({ name, content }) => file(`lib/modules/${name}.ko`, content)),
    file('lib/modules/order', kernel.modules.map(({ name }) => `${name}.ko\n`).join('')),
  ]);
}

/** The busybox binary out of the package busybox-static. Throws `bad-package`, `Refusal`. */
export async function readBusybox(builder: Builder, deb: string): Promise<Uint8Array> {
  let busybox: Uint8Array | undefined;
  const none = (): never => fail('bad-package', 'The package "busybox-static" holds no busybox');
  for await (const { header, content } of builder.entries(deb, /^(usr\/)?bin\/busybox$/, LIMIT))
    if (header.type === 'file') busybox = await collect(content, LIMIT, none);
  return busybox ?? none();
}
