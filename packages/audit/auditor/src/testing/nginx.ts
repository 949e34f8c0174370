import { chmodSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type Services, services, until } from './service.ts';

export interface Nginx {
  readonly endpoint: string;
  /** Makes a file that it serves what it should be. */
  write(name: string, bytes: Uint8Array): void;
  readonly services: Services;
  stop(): Promise<void>;
}

/** Debian's nginx before a directory: `/files/` as it is, `/limited/` with one request a second, `/moved/` elsewhere. */
export async function nginx(): Promise<Nginx> {
  const all = services('nginx');
  const { directory, run, start } = all;
  const port = await freePort();
  run('mkdir', ['files']);
  // The test writes what nobody serves.
  run('chmod', ['777', 'files']);
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off;
pid ${directory}/nginx.pid;
error_log stderr;
events { worker_connections 512; }
http {
  access_log off;
  keepalive_requests 50;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  limit_req_zone $server_port zone=slow:64k rate=1r/s;
  server {
    listen 127.0.0.1:${port};
    location /files/ { root ${directory}; }
    location /limited/ { alias ${directory}/files/; limit_req zone=slow; }
    location /moved/ { return 301 /files/; }
    location /without-ranges/ { alias ${directory}/files/; max_ranges 0; }
    location /without-tags/ { alias ${directory}/files/; etag off; }
  }
}
`,
  );
  start('/usr/sbin/nginx', ['-e', 'stderr', '-c', join(directory, 'nginx.conf')]);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    const answers = () =>
      fetch(endpoint)
        .then(() => true)
        .catch(() => false);
    await until(answers, 'nginx', 20_000);
  } catch (error) {
    const said = all.log();
    await all.stop();
    throw new Error(`${(error as Error).message}\n${said}`);
  }
  let time = 1_700_000_000;
  return {
    ...{ endpoint, services: all, stop: () => all.stop() },
    write(name, bytes) {
      writeFileSync(join(directory, 'files', name), bytes);
      chmodSync(join(directory, 'files', name), 0o644);
      // Its entity tags count seconds.
      time += 10;
      utimesSync(join(directory, 'files', name), time, time);
    },
  };
}
