import type { Image, StartVirtualMachine } from '@cloister/images';
import { startVirtualMachine } from '@cloister/launcher';
import { hostImages } from '@cloister/sdk';
import { runInImage } from '../image-session.ts';

const NAME = 'full-debian-guest';
const PACKAGES = ['gcc', 'libc6-dev', 'python3'];
/** The package of python3's own tests: of its default version, or where a suite has no such package, of one version. */
const TEST_SUITES = ['libpython3-testsuite', 'libpython3.14-testsuite', 'libpython3.13-testsuite'];
const TESTS = ['test_math', 'test_float', 'test_struct', 'test_zlib'];

const C_PROGRAM = `#include <math.h>
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
  double sum = 0;
  for (int i = 1; i <= 100000; i++) sum += sqrt(i) / (double)i;
  printf("%s %.12f %llu\\n", words[count - 1], sum, strtoull("18446744073709551615", 0, 10) / 7);
  return 42;
}
`;

/** What the program prints, by this host's arithmetic: square root, division and sum are exactly rounded on both. */
function expectedOutput(): string {
  let sum = 0;
  for (let i = 1; i <= 100_000; i += 1) sum += Math.sqrt(i) / i;
  return `arg ${sum.toFixed(12)} ${(2n ** 64n - 1n) / 7n}\n`;
}

export interface GuestPrograms {
  readonly packages: readonly string[];
  readonly buildSeconds: number;
  readonly compiles: boolean;
  /** Names of the tests that failed or had errors, and the last lines when the tests did not run to their end. */
  readonly python: PythonTests;
  /** The peer's, asked only where ours fail. */
  readonly peerPython: PythonTests | undefined;
  /** They end as the peer's do: a crash before the first failure counts, too. */
  readonly pythonHolds: boolean;
  readonly failuresOursAlone: readonly string[];
}

interface PythonTests {
  readonly status: number;
  readonly seconds: number;
  readonly failures: readonly string[];
  /** The summary that the tests end with. */
  readonly summary: string;
}

/** An image with a compiler and python3, made here: a C program compiles and runs, python3's tests fail as on the peer. */
export async function guestPrograms(peer: StartVirtualMachine): Promise<GuestPrograms> {
  const { image, packages, buildSeconds } = await buildProgrammersImage();
  const python = await pythonTests(image, startVirtualMachine);
  const peerPython = python.status === 0 ? undefined : await pythonTests(image, peer);
  return {
    packages,
    buildSeconds,
    compiles: await compilesAndRuns(image),
    python,
    peerPython,
    pythonHolds: python.status === 0 || (peerPython !== undefined && python.status === peerPython.status),
    failuresOursAlone: python.failures.filter((name) => peerPython?.failures.includes(name) !== true),
  };
}

async function compilesAndRuns(image: Image): Promise<boolean> {
  const { status, stdout } = await runInImage(
    image,
    `cd /tmp && cat > a.c << 'END'\n${C_PROGRAM}END\ngcc -O2 -o a a.c -lm && ./a arg`,
    { start: startVirtualMachine },
  );
  return status === 42 && stdout === expectedOutput();
}

async function buildProgrammersImage(): Promise<{ image: Image; packages: readonly string[]; buildSeconds: number }> {
  const images = hostImages({
    progress: (step) => step.kind === 'step' && console.error(`debian-guest: ${step.text} (${step.seconds} s)`),
  });
  await images.pull('debian');
  await images.remove(NAME).catch(() => undefined);
  let missing: unknown;
  for (const testSuite of TEST_SUITES) {
    const packages = [...PACKAGES, testSuite];
    const start = performance.now();
    try {
      const image = await images.build(NAME, { packages });
      return { image, packages, buildSeconds: seconds(start) };
    } catch (error) {
      if ((error as { code?: string }).code !== 'missing-package') throw error;
      missing ??= error;
    }
  }
  throw missing;
}

async function pythonTests(image: Image, start: StartVirtualMachine): Promise<PythonTests> {
  const began = performance.now();
  const { status, stdout, stderr } = await runInImage(image, `cd /tmp && python3 -m test -v ${TESTS.join(' ')} 2>&1`, {
    start,
  });
  const output = stdout + stderr;
  const failures = [...output.matchAll(/^(?:FAIL|ERROR): (.*)$/gm)].map((match) => match[1]!);
  return {
    status,
    seconds: seconds(began),
    failures: [...new Set(failures)].sort(),
    summary: output.trimEnd().split('\n').slice(-4).join(' | '),
  };
}

const seconds = (start: number): number => Math.round((performance.now() - start) / 100) / 10;
