import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type Services, services, until } from './service.ts';

export const ACCESS_KEY = 'AUDITOR';
export const SECRET_KEY = 'not-a-secret';

export interface Gateway {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly services: Services;
  stop(): Promise<void>;
}

/** Debian's Ceph: a monitor, one object store in memory, and the S3 gateway before it. It takes some 20 s. */
export async function cephGateway(): Promise<Gateway> {
  const all = services('ceph');
  try {
    return { endpoint: await startAll(all), services: all, stop: () => all.stop() };
  } catch (error) {
    const said = existsSync(join(all.directory, 'services.log')) ? all.log().slice(-2000) : '';
    await all.stop();
    throw new Error(`Ceph did not start: ${(error as Error).message}\n${said}`);
  }
}

async function startAll({ directory, run, start }: Services): Promise<string> {
  const at = (name: string): string => join(directory, name);
  const [monitorPort, port] = [await freePort(), await freePort()];
  const fsid = randomUUID();
  for (const name of ['monitor', 'store', 'gateway', 'run']) run('mkdir', [at(name)]);
  writeFileSync(at('ceph.conf'), configuration(directory, fsid, monitorPort, port));
  const config = ['-c', at('ceph.conf')];
  run('ceph-authtool', ['--create-keyring', at('keyring'), '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
  run('monmaptool', ['--create', '--addv', 'a', `[v1:127.0.0.1:${monitorPort}]`, '--fsid', fsid, at('monmap')]);
  run('ceph-mon', [...config, '--mkfs', '-i', 'a', '--monmap', at('monmap'), '--keyring', at('keyring')]);
  start('ceph-mon', [...config, '-i', 'a', '-f']);
  const store = randomUUID();
  run('ceph', [...config, '--connect-timeout', '30', 'osd', 'new', store]);
  run('ceph-osd', [...config, '-i', '0', '--mkfs', '--osd-uuid', store]);
  // It may come before the monitor knows of it, and then ends ("wrong fsid").
  const isUp = (): boolean => {
    try {
      return / 1 up/.test(run('ceph', [...config, '--connect-timeout', '30', 'osd', 'stat']));
    } catch {
      return false; // a monitor that is busy has answered with EPERM
    }
  };
  let osd = start('ceph-osd', [...config, '-i', '0', '-f']);
  await until(
    () => {
      if (osd.exitCode !== null) osd = start('ceph-osd', [...config, '-i', '0', '-f']);
      return isUp();
    },
    'The object store',
    60_000,
  );
  start('radosgw', [...config, '-n', 'client.gateway', '-f']);
  const endpoint = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(endpoint)
      .then(({ ok }) => ok)
      .catch(() => false);
  await until(answers, 'The gateway', 90_000);
  const user = [
    '--uid',
    'auditor',
    '--display-name',
    'auditor',
    '--access-key',
    ACCESS_KEY,
    '--secret-key',
    SECRET_KEY,
  ];
  run('radosgw-admin', [...config, '-n', 'client.gateway', 'user', 'create', ...user]);
  return endpoint;
}

// Debian puts the classes below a directory named for the architecture.
const classes = (): string => {
  const parent = readdirSync('/usr/lib').find((name) => existsSync(`/usr/lib/${name}/rados-classes`));
  return `/usr/lib/${parent ?? ''}/rados-classes`;
};

const configuration = (directory: string, fsid: string, monitorPort: number, port: number): string => `
[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monitorPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
osd objectstore = memstore
memstore device bytes = 8589934592
osd class dir = ${classes()}
run dir = ${directory}/run
log file = /dev/null
pid file = ${directory}/run/$name.pid
admin socket = ${directory}/run/$name.asok
keyring = ${directory}/keyring
[mon.a]
mon data = ${directory}/monitor
[osd.0]
osd data = ${directory}/store
[client.gateway]
rgw data = ${directory}/gateway
# Without tcp_nodelay each answer waits 40 ms.
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
`;
