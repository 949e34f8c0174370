import type { Socket } from 'node:net';
import { onLine } from './lines.ts';

/** More lines than anybody sends before the first is taken. */
const WAITING_MAX = 10_000;

/** Reads lines one at a time; undefined once the stream has ended, failed, or sent a line beyond the maximum. */
export function readLines(socket: Socket): () => Promise<string | undefined> {
  const lines: string[] = [];
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
  onLine(socket, (line) => {
    lines.push(line);
    if (lines.length > WAITING_MAX) socket.destroy();
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
