import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import {
  chmodSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import inspector from 'node:inspector';
import { connect, createServer } from 'node:net';
import { cpus, hostname, networkInterfaces } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeHeapSnapshot } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { ScriptProbeName } from './script-probes.ts';
import type { Targets } from './world.ts';

// Runs in a compartment's place, with all that its JavaScript can reach. Descriptor 3 is the way to tell; 4 is a file
// that it may read.
const READ_ONLY = 4;
const tell = (text: string): void => void writeSync(3, text);
const HOLD_MS = 1500;

const script: Readonly<Record<ScriptProbeName, (targets: Targets) => unknown>> = {
  'read-file': ({ secretFile }) => tell(readFileSync(secretFile, 'latin1').trim()),
  'write-file': ({ targetFile }) => writeFileSync(targetFile, 'changed'),
  'create-file': ({ directory }) => writeFileSync(`${directory}/made`, ''),
  'list-directory': ({ directory }) => tell(readdirSync(directory).join()),
  'stat-file': ({ secretFile }) => tell(`size ${statSync(secretFile).size}`),
  'resolve-path': ({ link }) => tell(realpathSync.native(link)),
  'make-symlink': ({ directory }) => symlinkSync('/', `${directory}/made`),
  'rename-file': ({ doomedFile, directory }) => renameSync(doomedFile, `${directory}/made`),
  'unlink-file': ({ link }) => unlinkSync(link),
  'chmod-file': ({ targetFile }) => chmodSync(targetFile, 0o600),
  'fchmod-descriptor': () => fchmodSync(READ_ONLY, 0o600),
  'truncate-descriptor': () => ftruncateSync(READ_ONLY, 0),
  'touch-descriptor': () => futimesSync(READ_ONLY, 1, 1),
  'write-descriptor': () => writeSync(READ_ONLY, 'changed', 0),
  'use-foreign-descriptor'() {
    const bytes = Buffer.alloc(64);
    for (let descriptor = READ_ONLY + 1; descriptor < 64; descriptor++)
      try {
        if (fstatSync(descriptor).isFile()) tell(bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, 64, 0)));
      } catch {}
  },
  async 'sqlite-file'({ directory }) {
    const name = 'node:sqlite';
    const { DatabaseSync } = (await import(name)) as {
      DatabaseSync: new (path: string) => { exec(sql: string): void };
    };
    new DatabaseSync(`${directory}/made`).exec('create table made (x)');
  },
  async 'trace-file'({ directory }) {
    process.chdir(directory);
    const name = 'node:trace_events';
    const { createTracing } = (await import(name)) as typeof import('node:trace_events');
    createTracing({ categories: ['node.perf'] }).enable();
    performance.mark('here');
    await sleep(300);
  },
  'report-file'({ directory }) {
    process.report.directory = directory;
    process.report.writeReport('made');
  },
  'heap-snapshot': ({ directory }) => writeHeapSnapshot(`${directory}/made`),
  'core-dump'({ directory }) {
    try {
      process.chdir(directory);
    } catch {}
    process.abort();
  },
  'run-shell': ({ directory }) => spawnSync('/bin/sh', ['-c', `: > ${directory}/made`]),
  'spawn-node': () =>
    spawnSync(process.execPath, ['-e', `require('fs').writeSync(3, 'spawned')`], {
      stdio: ['ignore', 'ignore', 'ignore', 3],
    }),
  'kill-process': ({ victim }) => process.kill(victim, 'SIGKILL'),
  'stop-process': ({ victim }) => process.kill(victim, 'SIGSTOP'),
  'tcp-connect': ({ tcpPort }) => once(connect(tcpPort, '127.0.0.1'), 'connect'),
  'unix-connect': ({ unixSocket }) => once(connect(unixSocket), 'connect'),
  'abstract-connect': ({ abstractSocket }) => once(connect(`\0${abstractSocket}`), 'connect'),
  async 'udp-send'({ udpPort }) {
    const socket = createSocket('udp4');
    socket.bind(0);
    await once(socket, 'listening');
    await new Promise((resolve) => socket.send('here', udpPort, '127.0.0.1', resolve));
  },
  async 'dns-query'({ udpPort }) {
    const resolver = new Resolver({ timeout: 200, tries: 1 });
    resolver.setServers([`127.0.0.1:${udpPort}`]);
    await resolver.resolve4('example.test');
  },
  async 'listen-loopback'() {
    const server = createServer((socket) => socket.on('data', () => socket.end('here'))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    tell(`port ${(server.address() as { port: number }).port}\n`);
    await sleep(HOLD_MS);
  },
  async 'open-inspector'() {
    inspector.open(0, '127.0.0.1');
    tell(`port ${new URL(inspector.url()!).port}\n`);
    await sleep(HOLD_MS);
  },
  'load-addon': ({ library }) => require(library),
  'process-binding'({ secretFile }) {
    type Open = (path: string, flags: number, mode: number) => number;
    const { open } = (process as unknown as { binding(name: 'fs'): { open: Open } }).binding('fs');
    tell(readFileSync(open(secretFile, 0, 0), 'latin1').trim());
  },
  async 'import-data'({ secretFile }) {
    const source = `export { readFileSync } from 'node:fs';`;
    const fresh = (await import(`data:text/javascript,${source}`)) as { readFileSync: typeof readFileSync };
    tell(fresh.readFileSync(secretFile, 'latin1').trim());
  },
  async 'free-worker'({ secretFile }) {
    const source = `require('worker_threads').parentPort.postMessage(require('fs').readFileSync(${JSON.stringify(secretFile)}, 'latin1'))`;
    const worker = new Worker(source, { eval: true, execArgv: [], env: {} });
    const [said] = (await once(worker, 'message')) as [string];
    tell(said.trim());
  },
  async 'wasi-file'({ secretFile }) {
    const name = 'node:wasi';
    const { WASI } = (await import(name)) as typeof import('node:wasi');
    const memory = new WebAssembly.Memory({ initial: 1 });
    const folder = secretFile.slice(0, secretFile.lastIndexOf('/'));
    const wasi = new WASI({ version: 'preview1', preopens: { '/': folder } });
    wasi.initialize({ exports: { memory } } as unknown as object);
    const call = wasi.wasiImport as unknown as Record<string, (...args: (number | bigint)[]) => number>;
    const bytes = Buffer.from(memory.buffer);
    const [path, descriptorAt, vectorAt, countAt, textAt] = [64, 128, 144, 160, 256];
    const length = bytes.write('secret', path);
    const PREOPENED = 3;
    const READ_AND_SEEK = 6n;
    call.path_open!(PREOPENED, 0, path, length, 0, READ_AND_SEEK, 0n, 0, descriptorAt);
    bytes.writeUInt32LE(textAt, vectorAt);
    bytes.writeUInt32LE(64, vectorAt + 4);
    call.fd_read!(bytes.readUInt32LE(descriptorAt), vectorAt, 1, countAt);
    tell(bytes.toString('latin1', textAt, textAt + 64));
  },
  'read-environment': () => tell(JSON.stringify(process.env)),
  'read-interfaces': () => tell(JSON.stringify(networkInterfaces())),
  'read-hostname': () => tell(`hostname ${hostname()};`),
  'read-cpus': () => tell(JSON.stringify(cpus())),
  'read-other-arguments': ({ victim }) => tell(readFileSync(`/proc/${victim}/cmdline`, 'latin1')),
};

tell('ready\n');
const [name, targets] = JSON.parse(process.argv[2]!) as [ScriptProbeName, Targets];
const failed = (error: unknown): void => {
  tell(`\nfailed: ${(error as NodeJS.ErrnoException)?.code ?? error}`);
  process.exit();
};
process.on('uncaughtException', failed);
const run = async (): Promise<void> => {
  await script[name](targets);
  await sleep(50);
  process.exit();
};
run().catch(failed);
