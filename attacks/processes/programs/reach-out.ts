import { fromSlice } from '@cloister/protocol';
import { inherit } from '../../../packages/host/launcher/src/compartments/inherit.ts';
import { plan } from './plan.ts';

// A slice that wants what is not its own: each thing in a way that Node has for it. It says what it got.
const WAYS: Readonly<Record<string, () => Promise<string> | string>> = {
  async read() {
    const { readFileSync } = await import('node:fs');
    return readFileSync(plan.path!, 'latin1');
  },
  async write() {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(plan.path!, 'written by a slice');
    return 'written';
  },
  async command() {
    const { readFileSync } = await import('node:fs');
    const { connect } = await import('node:net');
    const token = readFileSync(plan.token!, 'latin1');
    await new Promise((resolve, reject) => {
      const socket = connect(plan.socket!, () => {
        socket.end(`${JSON.stringify({ do: 'kill', vm: plan.vm, token })}\n`);
      });
      socket.once('error', reject).once('close', resolve).resume();
    });
    return 'told';
  },
  signal() {
    process.kill(Number(plan.pid), 'SIGKILL');
    return 'signalled';
  },
  async memory() {
    const { openSync, readFileSync, readSync } = await import('node:fs');
    // Guest RAM is the one mapping that large; the kernel lies 2 MiB into it.
    const file = openSync(`/proc/${plan.pid}/mem`, 'r');
    for (const [, from, to] of readFileSync(`/proc/${plan.pid}/maps`, 'latin1').matchAll(
      /^([0-9a-f]+)-([0-9a-f]+) rw/gm,
    )) {
      const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)];
      const at = start + 0x4020_0000n;
      const bytes = Buffer.alloc(4096);
      if (at >= end) continue;
      readSync(file, bytes, 0, bytes.length, at as unknown as number);
      return bytes.toString('latin1');
    }
    return 'no such mapping';
  },
};
inherit(({ links }) => {
  const client = links[3]!;
  const say = (reason: string): void =>
    client.send(fromSlice.encode({ kind: 'boot.refused', reason: Buffer.from(reason, 'latin1').toString('base64') }));
  const attempt = async (): Promise<string> => WAYS[plan.way!]!();
  attempt().then(say, (error: Error) => say(error.message));
  return {};
});
