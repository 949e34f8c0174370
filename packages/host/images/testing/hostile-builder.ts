// A builder that an attacker controls: what it does is the name of the index that it is asked to read.
import { FRAME_BYTES_MAX, type FromBuilder, fromBuilder, PIECE_BYTES_MAX, toBuilder } from '@cloister/protocol';
import { inherit } from '../../launcher/src/compartments/inherit.ts';

const SHA256 = 'a'.repeat(64);
const GOOD = {
  name: 'a',
  version: '1',
  architecture: 'riscv64',
  filename: 'pool/main/a/a_1.deb',
  size: 1,
  sha256: SHA256,
};
const ENTRY = {
  ...({ kind: 'entry', name: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0 } as const),
  ...{ size: 10, mtime: 0, linkName: '', major: 0, minor: 0 },
};
const PIECE = new Uint8Array(PIECE_BYTES_MAX);

inherit(({ links }) => {
  const [link] = links;
  const say = (...messages: FromBuilder[]): void => {
    for (const message of messages) link!.send(fromBuilder.encode(message));
  };
  const flood = (message: FromBuilder): void => {
    for (let i = 0; i < 1000 && link!.queuedBytes < 2 ** 24; i += 1) say(message);
    setImmediate(flood, message);
  };
  const deeds: Record<string, () => void> = {
    hang() {
      for (;;);
    },
    silence() {},
    crash: () => process.exit(3),
    eat() {
      const eaten: Uint8Array[] = [];
      for (;;) eaten.push(new Uint8Array(2 ** 20).fill(1));
    },
    garbage: () => link!.send(new Uint8Array(FRAME_BYTES_MAX).fill(0x92)),
    'a channel closed': () => link!.close('\x1b[31mred'),
    'another kind of answer': () => say({ kind: 'wanted', filename: 'x' }),
    'a file name that climbs': () => say({ kind: 'package', ...GOOD, sha256: '../../../etc/passwd' }, { kind: 'done' }),
    'a name for a shell': () => say({ kind: 'package', ...GOOD, name: '$(reboot)' }, { kind: 'done' }),
    'packages without end': () => flood({ kind: 'package', ...GOOD }),
    'output without end': () => flood({ kind: 'output', bytes: PIECE }),
    'entries without end': () => flood({ ...ENTRY, size: 0 }),
    'an entry with more than its size': () => say(ENTRY, { kind: 'output', bytes: PIECE }, { kind: 'done' }),
    'an entry with less than its size': () => say(ENTRY, { kind: 'done' }),
    'an entry larger than may be': () => say({ ...ENTRY, size: 2 ** 32 }),
    'a directory with contents': () => say({ ...ENTRY, type: 'directory' }),
    'a package larger than may be': () => say({ kind: 'size', size: 2 ** 40 }),
    'a refusal for the terminal': () => say({ kind: 'failed', refusal: 'malformed', text: '\x1b]0;owned\x07\n\n' }),
  };
  let deed: string | undefined;
  link!.listen({
    frame(frame) {
      const message = toBuilder.decode(frame);
      if (message?.kind === 'index') deed = message.name;
      else if (message?.kind === 'input.end' && deed !== undefined) say({ kind: 'done' });
      else if (message?.kind !== 'input' && message?.kind !== 'input.end') {
        const next = deed;
        deed = undefined;
        if (next !== undefined) deeds[next]!();
      }
    },
  });
  return {};
});
