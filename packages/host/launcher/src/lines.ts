import type { Socket } from 'node:net';

const LINE_BYTES_MAX = 1024 * 1024;

/** Hears each line of a stream that ends with one; a line beyond the maximum ends the stream. */
export function onLine(socket: Socket, heard: (line: string) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = rest.toString('utf8', 0, at);
      rest = rest.subarray(at + 1);
      heard(line);
    }
    if (rest.length > LINE_BYTES_MAX) socket.destroy();
  });
}

export function writeLine(socket: Socket, value: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(value)}\n`);
}
