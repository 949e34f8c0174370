import type { Socket } from 'node:net';

const LINE_BYTES_MAX = 1024 * 1024;

/** Reads lines one at a time; undefined once the stream has ended, failed, or sent a line beyond the maximum. */
export function readLines(socket: Socket): () => Promise<string | undefined> {
  const lines: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let over = false;
  let waiting: ((line: string | undefined) => void) | undefined;
  const give = (): void => {
    if (waiting === undefined || (lines.length === 0 && !over)) return;
    const resolve = waiting;
    waiting = undefined;
    resolve(lines.shift());
  };
  const end = (): void => {
    over = true;
    give();
  };
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      lines.push(rest.toString('utf8', 0, at));
      rest = rest.subarray(at + 1);
    }
    if (rest.length > LINE_BYTES_MAX) socket.destroy();
    give();
  });
  for (const event of ['end', 'close', 'error']) socket.on(event, end);
  socket.resume();
  return () =>
    new Promise((resolve) => {
      waiting = resolve;
      give();
    });
}

export function writeLine(socket: Socket, value: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(value)}\n`);
}
