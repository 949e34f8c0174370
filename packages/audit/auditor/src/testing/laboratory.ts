import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { randomFrom } from '../../../../protocol/src/testing/mutate.ts';

/** A directory with a store, and a place of its own for audits, until it is closed. */
export interface Laboratory {
  readonly store: string;
  /** Where audits, keys and counters lie. */
  readonly home: string;
  write(path: string, content: Uint8Array | string): void;
  read(path: string): Buffer;
  remove(path: string): void;
  /** Changes one bit of a file of the store. */
  flip(path: string, at: number): void;
  /** Every file of the store, with what we have left beside it. */
  stored(): readonly string[];
  /** Every file below the home, by its path there. */
  kept(): ReadonlyMap<string, Buffer>;
  /** Makes the home what it was. */
  restore(kept: ReadonlyMap<string, Buffer>): void;
  close(): void;
}

export function laboratory(): Laboratory {
  const root = mkdtempSync(join(tmpdir(), 'cloister-audit-'));
  const [store, home] = [join(root, 'store'), join(root, 'home')];
  for (const path of [store, home]) mkdirSync(path);
  process.env.CLOISTER_HOME = home;
  const kept = (): ReadonlyMap<string, Buffer> =>
    new Map(
      readdirSync(home, { recursive: true, withFileTypes: true, encoding: 'utf8' })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .sort()
        .map((path) => [path.slice(home.length + 1), readFileSync(path)]),
    );
  const write = (path: string, content: Uint8Array | string): void => {
    mkdirSync(dirname(join(store, path)), { recursive: true });
    writeFileSync(join(store, path), content);
  };
  return {
    ...{ store, home, kept, write },
    read: (path) => readFileSync(join(store, path)),
    stored: () => readdirSync(store, { recursive: true, encoding: 'utf8' }),
    remove: (path) => rmSync(join(store, path)),
    flip(path, at) {
      const bytes = readFileSync(join(store, path));
      bytes[at]! ^= 1;
      writeFileSync(join(store, path), bytes);
    },
    restore(files) {
      rmSync(home, { recursive: true, force: true });
      for (const [path, bytes] of files) {
        mkdirSync(dirname(join(home, path)), { recursive: true });
        writeFileSync(join(home, path), bytes);
      }
    },
    close() {
      delete process.env.CLOISTER_HOME;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** So many bytes that a number stands for. */
export function noise(length: number, seed = 1): Uint8Array {
  const random = randomFrom(seed);
  return Uint8Array.from({ length }, () => random(256));
}
