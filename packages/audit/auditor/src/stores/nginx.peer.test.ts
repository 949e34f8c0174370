import { chmodSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AuditContext, addStore, runAudit } from '../index.ts';
import { enclaveHere, measuredHere } from '../testing/enclave-here.ts';
import { faultCampaign } from '../testing/fault-campaign.ts';
import { type FaultProxy, faultProxy } from '../testing/fault-proxy.ts';
import { type Laboratory, laboratory, noise } from '../testing/laboratory.ts';
import { type Nginx, nginx } from '../testing/nginx.ts';
import { httpClient } from './http-client.ts';
import { openStore } from './open-store.ts';

const BLOCK = 4096;
const IMPATIENT = { silenceMs: 1500, attempts: 3, backoffMs: 1 };
const content = noise(600 * BLOCK + 17);
let lab: Laboratory;
let server: Nginx;
let proxy: FaultProxy;
const context: AuditContext = {
  ...{ startEnclave: enclaveHere(), measureEnclave: measuredHere },
  openStore: (name, options = {}) =>
    openStore(name, { ...options, client: httpClient({ ...IMPATIENT, meter: options.meter }) }),
};

beforeAll(async () => {
  lab = laboratory();
  server = await nginx();
  proxy = await faultProxy(server.endpoint, BLOCK);
}, 60_000);
afterAll(async () => {
  await proxy?.close();
  await server?.stop();
  lab?.close();
}, 60_000);
beforeEach(() => server.write('file', content));

const add = (store: string, name: string) => addStore(context, store, { name, blockBytes: BLOCK });
const findings = async (name: string, options = {}) => [
  ...new Set((await runAudit(context, name, options)).wrong.map(({ finding }) => finding)),
];

describe('nginx', () => {
  test('each fault on the way has its own verdict, and no intact block another', async () => {
    await add(`${proxy.endpoint}/files/file`, 'proxied');
    expect(await findings('proxied', { all: true })).toEqual([]);
    const seed = Date.now() % 1e9;
    for (const { audits, sample } of [
      { audits: 200, sample: 20 },
      { audits: 4, sample: 460 },
    ]) {
      const campaign = { seed, share: 0.4, silentEvery: 100, audits, sample };
      const result = await faultCampaign(context, 'proxied', proxy, '/files/', BLOCK, campaign);
      expect(result.mistakes.slice(0, 10), `seed ${seed}`).toEqual([]);
    }
    expect(await findings('proxied', { all: true })).toEqual([]);
  }, 120_000);

  test('what happens to a file', async () => {
    await add(`${server.endpoint}/files/file`, 'direct');
    const place = join(server.services.directory, 'files/file');
    expect(await findings('direct', { all: true })).toEqual([]);
    server.write('file', noise(content.length, 2));
    expect(await findings('direct')).toEqual(['stale']);
    truncateSync(place, 1000);
    expect(await findings('direct')).toEqual(['stale']);
    chmodSync(place, 0o600);
    if (process.getuid?.() === 0) expect(await findings('direct')).toEqual(['unreachable']);
    rmSync(place);
    expect(await findings('direct')).toEqual(['missing']);
  }, 60_000);

  test('a server without entity tags is pinned to the time of the change', async () => {
    await add(`${server.endpoint}/without-tags/file`, 'timed');
    expect(await findings('timed')).toEqual([]);
    server.write('file', noise(content.length, 2));
    expect(await findings('timed')).toEqual(['stale']);
  }, 60_000);

  test('a server that limits requests is throttled, one without ranges and one that has moved are told', async () => {
    await add(`${server.endpoint}/files/file`, 'once');
    const limited = openStore(`${server.endpoint}/limited/file`, {
      client: httpClient({ attempts: 2, backoffMs: 1 }),
    });
    const pin = (await (await openStore(`${server.endpoint}/files/file`)).list()[Symbol.asyncIterator]().next()).value
      .pin;
    const read = (store: Awaited<typeof limited>) => store.read('file', pin, 0, 10);
    await read(await limited);
    await expect(read(await limited)).rejects.toMatchObject({ loss: 'throttled' });
    await expect(read(await openStore(`${server.endpoint}/without-ranges/file`))).rejects.toMatchObject({
      loss: 'unknown',
    });
    await expect(read(await openStore(`${server.endpoint}/moved/file`))).rejects.toThrow('has moved to');
  }, 60_000);

  test('a server that has ended is unreachable', async () => {
    await add(`${server.endpoint}/files/file`, 'ended');
    await server.services.stop();
    expect(await findings('ended', { sample: 50, dueMax: 0 })).toEqual(['unreachable']);
  }, 60_000);
});
