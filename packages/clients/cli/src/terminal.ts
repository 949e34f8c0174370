/** The user's terminal in raw mode, restored after every end of this process that lets it run a line of code. */
export interface RawTerminal {
  restore(): void;
}

/** Ctrl-], twice in a row: leaves the guest. */
export const ESCAPE = 0x1d;

export function enterRaw(): RawTerminal {
  const { stdin } = process;
  const restore = (): void => {
    if (stdin.isTTY && stdin.isRaw) stdin.setRawMode(false);
  };
  stdin.setRawMode(true);
  process.once('exit', restore);
  return { restore };
}

/** Standard input as it comes. With `onEscape`, two Ctrl-] in a row call it and are not passed on; one is. */
export async function* standardInput(onEscape?: () => void): AsyncGenerator<Uint8Array> {
  let pending = false;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    if (onEscape === undefined) {
      yield chunk;
      continue;
    }
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === ESCAPE && pending) {
        onEscape();
        return;
      }
      if (byte === ESCAPE) pending = true;
      else {
        if (pending) out.push(ESCAPE);
        pending = false;
        out.push(byte);
      }
    }
    if (out.length > 0) yield Uint8Array.from(out);
  }
}

export function terminalSize(): { rows: number; columns: number } {
  return { rows: process.stdout.rows ?? 24, columns: process.stdout.columns ?? 80 };
}
