import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';

/** How many of the engine's code blocks (functions and branches) ran, of those that it knows in the files. */
export interface Coverage {
  readonly covered: number;
  readonly blocks: number;
  /** Source lines of the bundle where a block that did not run begins. */
  readonly missed: readonly string[];
}

interface Counted {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { startOffset: number; endOffset: number; count: number }[];
    }[];
  }[];
}

/**
 * Runs something and counts the blocks of the named source files within the bundle `url` (esbuild says where each file
 * begins). Blocks are V8's: a branch that ran as often as what is around it is no block of its own, so the share is
 * never better than the true one.
 */
export function coverageOf(url: string, files: readonly string[], run: () => void): Coverage {
  const session = new Session();
  session.connect();
  const post = (method: string, parameters?: object): unknown => {
    let answer: unknown;
    session.post(method, parameters, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  let counted: Counted;
  try {
    run();
  } finally {
    counted = post('Profiler.takePreciseCoverage') as Counted;
    session.disconnect();
  }
  const text = readFileSync(fileURLToPath(url), 'utf8');
  const places = files.map((file): readonly [number, number] => {
    const from = text.indexOf(`\n// ${file}\n`);
    if (from < 0) throw new Error(`"${file}" is not in the bundle`);
    const end = /\n\/\/ [\w./-]+\.ts\n/g;
    end.lastIndex = from + 1;
    return [from, end.exec(text)?.index ?? text.length];
  });
  const ranges = (counted.result.find((script) => script.url === url)?.functions ?? [])
    .flatMap((one) => one.ranges)
    .filter(({ startOffset }) => places.some(([from, to]) => startOffset > from && startOffset < to));
  const missed = ranges
    .filter(({ count }) => count === 0)
    .map(({ startOffset }) =>
      text.slice(text.lastIndexOf('\n', startOffset) + 1, text.indexOf('\n', startOffset)).trim(),
    );
  return { covered: ranges.length - missed.length, blocks: ranges.length, missed };
}
