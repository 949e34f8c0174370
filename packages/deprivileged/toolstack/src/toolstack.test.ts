import { type FromToolstack, type Notice, type ToToolstack, takeNotice } from '@cloister/protocol';
import { expect, test } from 'vitest';
import type { Connection } from './connection.ts';
import { createToolstack, type Toolstack } from './toolstack.ts';

/** A launcher that has what is asked for; nothing runs behind it. */
function bench(files = 1) {
  const asked: FromToolstack[] = [];
  const toolstack: Toolstack = createToolstack({
    ask(request) {
      asked.push(request);
      const answer = answerTo(request);
      if (answer !== undefined) setImmediate(() => toolstack.hear(answer));
    },
    cpus: 2,
    idle: () => idles.push(asked.length),
  });
  const idles: number[] = [];
  const answerTo = (request: FromToolstack): ToToolstack | undefined => {
    if (request.do === 'claim' && request.id === 'unknown')
      return { refused: request.id, why: 'Nobody has brought that' };
    if (request.do === 'claim' || request.do === 'link') return { had: request.id, files };
    if (request.do === 'spawn') return { started: request.id, pid: 1, level: 'full', code: 'c' };
    if (request.do === 'kill') return { ended: request.id, how: 'it got SIGKILL' };
    // Whoever is asked to stop does.
    if (request.do === 'notice' && Buffer.from(request.bytes, 'base64').readUInt32LE() === 0xffff_ffff)
      return { ended: request.id, how: 'it ended with status 0' };
    return undefined;
  };
  toolstack.hear({ started: 'toolstack', pid: 7, level: 'landlock', code: 'd' });
  /** A client that says that; what it has heard, what is next, and its end. */
  const client = (request: object) => {
    const told: object[] = [];
    let wake: () => void = () => undefined;
    let leave: () => void = () => undefined;
    const left = new Promise<undefined>((resolve) => {
      leave = () => resolve(undefined);
    });
    let first: string | undefined = JSON.stringify(request);
    const connection: Connection = {
      next() {
        const line = first;
        first = undefined;
        return line === undefined ? left : Promise.resolve(line);
      },
      tell(value) {
        told.push(value);
        wake();
      },
      end: () => undefined,
    };
    const served = toolstack.serve(connection);
    const hear = async (test: (event: object) => boolean): Promise<object> => {
      for (;;) {
        const found = told.find(test);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    return { told, served, leave, hear };
  };
  const ask = async (request: object): Promise<object> => {
    const { told, served } = client(request);
    await served;
    return told[0]!;
  };
  return { asked, idles, client, ask, toolstack };
}
const RUN = {
  ...{ do: 'run', vm: '01234567', token: 'right', label: 'mine', deposit: 'd', client: 'c', memoryBytes: 2 ** 26 },
  ...{ stores: [{ bytes: 1, growable: false, writable: false, durable: false }], cpus: 1, weight: 1, strict: false },
};
const started = (event: object): boolean => 'slice' in event;

test('a VM lives as long as its owner’s connection, and nothing of it is kept', async () => {
  const { asked, idles, client, ask } = bench();
  const owner = client(RUN);
  await owner.hear(started);
  expect(await ask({ do: 'list' })).toEqual({ machines: [{ vm: RUN.vm, label: 'mine', started: expect.any(Number) }] });
  expect(idles).toEqual([]);
  owner.leave();
  await owner.served;
  expect(owner.told.at(-1)).toEqual({ ended: { reason: null, status: null } });
  expect(await ask({ do: 'list' })).toEqual({ machines: [] });
  const had = asked.flatMap((one) => (one.do === 'claim' || one.do === 'link' ? [one.id] : [])).sort();
  expect(asked.flatMap((one) => (one.do === 'close' ? [one.id] : [])).sort()).toEqual(had);
  expect(idles.length).toBeGreaterThan(0);
});

test('only who has the token acts on a VM', async () => {
  const { client, ask } = bench();
  const owner = client(RUN);
  await owner.hear(started);
  for (const token of ['', 'wrong', 'righ', 'right0'])
    for (const request of [
      { do: 'inspect' },
      { do: 'stop' },
      { do: 'kill' },
      { do: 'debug', deposit: 'a build' },
      { do: 'upgrade', deposit: null },
    ])
      expect(await ask({ ...request, vm: RUN.vm, token })).toEqual({ refused: expect.stringMatching(/not its own/) });
  expect(owner.told).toHaveLength(1);
  const { parts } = (await ask({ do: 'inspect', vm: RUN.vm, token: 'right' })) as { parts: { kind: string }[] };
  expect(parts.map(({ kind }) => kind)).toEqual(['machine', 'slice', 'storage', 'scheduler', 'toolstack']);
  await ask({ do: 'stop', vm: RUN.vm, token: 'right' });
  expect(owner.told.at(-1)).toEqual({ stop: true });
  await ask({ do: 'kill', vm: RUN.vm, token: 'right' });
  await owner.hear((event) => 'ended' in event);
});

test.each([
  ['whose number another has', {}, 1, /of this number/],
  ['with another number of stores than files', { vm: '76543210' }, 2, /as many files/],
  ['of something that nobody brought', { vm: '76543210', deposit: 'unknown' }, 1, /Nobody has brought/],
  ['that wants the full level where there is none', { vm: '76543210', strict: true }, 1, /"landlock" alone/],
  ['that is no request', { vm: '../../etc' }, 1, /does not understand/],
])('a VM %s is refused, and others go on', async (_name, change, files, why) => {
  const { client, ask, toolstack, asked } = bench(1);
  const owner = client(RUN);
  await owner.hear(started);
  const other = bench(files);
  const where = files === 1 ? ask : other.ask;
  const before = asked.filter((one) => one.do === 'spawn').length;
  expect(await where({ ...RUN, ...change })).toEqual({ refused: expect.stringMatching(why) });
  expect(asked.filter((one) => one.do === 'spawn')).toHaveLength(before);
  expect(await ask({ do: 'list' })).toMatchObject({ machines: [{ vm: RUN.vm }] });
  toolstack.look();
  owner.leave();
  await owner.served;
});

test('what a compartment says to its operator has no control characters', async () => {
  const { client, toolstack, asked } = bench();
  const owner = client(RUN);
  await owner.hear(started);
  const { id } = asked.find((one) => one.do === 'spawn' && one.kind === 'machine') as { id: string };
  toolstack.hear({ log: id, bytes: Buffer.from('\u001b]0;owned\u0007 line\nnext').toString('base64') });
  expect(owner.told.at(-1)).toEqual({ log: 'machine:  ]0;owned  line\nnext' });
  owner.leave();
  await owner.served;
});

test('a VM beside others starts no scheduler until the spare links are used up, and storage is started anew each time', async () => {
  const { client, asked } = bench();
  const spawned = (kind: string) => asked.flatMap((one) => (one.do === 'spawn' && one.kind === kind ? [one] : []));
  const owners = [];
  for (let vm = 0; vm < 6; vm += 1) {
    const owner = client({ ...RUN, vm: `0000000${vm}`, weight: vm + 1 });
    owners.push(owner);
    await owner.hear(started);
    // What has been killed ends in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(spawned('storage')).toHaveLength(vm + 1);
    expect(spawned('scheduler')).toHaveLength(vm < 5 ? 1 : 2);
  }
  const [first, second] = spawned('scheduler');
  const weights = (settings: object): unknown[] =>
    (settings as { machines: ({ weight: number } | null)[] }).machines.map((one) => one?.weight ?? null);
  expect(weights(first!.settings)).toEqual([1, null, null, null, null]);
  expect(weights(second!.settings)).toEqual([1, 2, 3, 4, 5, 6, null, null, null, null]);
  // Who took the second one's link is told of to the scheduler, and its slice has the link's other end.
  const { links } = spawned('slice')[1]!;
  expect(links).toContainEqual({ id: first!.links[1]!.id, end: 1, epoch: expect.any(String) });
  const told = asked.flatMap((one) =>
    one.do === 'notice' && one.id === first!.id ? [takeNotice(Buffer.from(one.bytes, 'base64')) as Notice] : [],
  );
  expect(told.map(({ number, settings }) => [number, (settings as { weight: number }).weight])).toEqual([
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 5],
  ]);
  for (const owner of owners) owner.leave();
  await Promise.all(owners.map(({ served }) => served));
  const had = asked.flatMap((one) => (one.do === 'claim' || one.do === 'link' ? [one.id] : [])).sort();
  expect(asked.flatMap((one) => (one.do === 'close' ? [one.id] : [])).sort()).toEqual(had);
});
