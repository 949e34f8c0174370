import { closeSync, openSync, readFileSync } from 'node:fs';
import { isJitless } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';
import type { CALL_NUMBERS } from './call-numbers.ts';
import { endedWell, isRoot, type Judged, NODE_MAJOR, reported } from './probe-kind.ts';
import { assemble, type Operand, type RawProgram, type Step } from './raw-program.ts';
import { callNumber, type World } from './world.ts';

export interface RawProbe extends Judged {
  program(world: World): RawProgram;
  /**
   * A command that stands before the program where no sandbox makes it a world of its own: there only the filter
   * forbids what it tries, and what it does to mounts ends with it.
   */
  readonly within?: (world: World) => readonly string[];
  /** Which descriptor the program has as its 4. */
  readonly descriptor?: 'namespace';
}

const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);
const call = (name: keyof typeof CALL_NUMBERS, ...args: Operand[]): Step => {
  const number = callNumber(name);
  if (number === null) throw new Error(`This architecture has no "${name}"`);
  return { call: number, args };
};
const at = (name: string): Operand => ({ at: name });
const result = (step: number): Operand => ({ result: step });

const AT_FDCWD = -100;
const O_RDWR = 2;
const SIGCHLD = 17;

const simple =
  (name: keyof typeof CALL_NUMBERS, ...args: Operand[]) =>
  (): RawProgram => ({ steps: [call(name, ...args)] });
/** Prefixes a program with one that opens a file. */
const open = (path: string, flags: number): (() => RawProgram) => {
  return () => ({ data: { path: text(path) }, steps: [call('openat', AT_FDCWD, at('path'), flags)] });
};

function hostLacks(path: string, flags: 'r' | 'r+'): string | undefined {
  try {
    closeSync(openSync(path, flags));
    return undefined;
  } catch (error) {
    return `the host itself cannot open ${path} (${(error as NodeJS.ErrnoException).code})`;
  }
}
const onlyRoot = (): string | undefined => (isRoot ? undefined : 'without root nobody here has it');
const onlyX64 = (): string | undefined => (process.arch === 'x64' ? undefined : 'aarch64 has no such call');
const mayTrace = (): string | undefined => {
  try {
    const scope = Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1'));
    return scope === 0 || (isRoot && scope < 3) ? undefined : 'the host lets nobody trace';
  } catch {
    return undefined;
  }
};
const withoutJit = (kind: Parameters<NonNullable<Judged['notHere']>>[0]): string | undefined =>
  isJitless(kind, NODE_MAJOR) ? undefined : 'this kind has a JIT, or this Node needs one';

/** Its own user and mount namespace, where it may what a container's root may. */
const asContainerRoot = (): readonly string[] => ['unshare', '--map-root-user', '--mount'];

/** Probes in machine code, started in Node's place: what is left to whoever took over the whole process. */
export const RAW_PROBES = {
  'open-own-memory': {
    effect: reported,
    program: ({ secret }) => ({
      data: { path: text('/proc/self/mem'), secret: text(secret), buffer: new Uint8Array(32) },
      steps: [
        call('openat', AT_FDCWD, at('path'), 0),
        call('pread64', result(0), at('buffer'), 32, at('secret')),
        call('write', 3, at('buffer'), 32),
      ],
    }),
  },
  'open-init-memory': {
    effect: endedWell,
    program: open('/proc/1/mem', 0),
    notHere: () => hostLacks('/proc/1/mem', 'r'),
  },
  'open-sys': {
    effect: endedWell,
    program: open('/sys/devices/system/cpu/online', 0),
    notHere: () => hostLacks('/sys/devices/system/cpu/online', 'r'),
  },
  'open-kvm': { effect: endedWell, program: open('/dev/kvm', O_RDWR), notHere: () => hostLacks('/dev/kvm', 'r+') },
  'open-physical-memory': {
    effect: endedWell,
    program: open('/dev/mem', 0),
    notHere: () => hostLacks('/dev/mem', 'r'),
  },
  'execute-shell': {
    effect: reported,
    program: ({ secret }) => ({
      data: {
        path: text('/bin/sh'),
        option: text('-c'),
        script: text(`echo ${secret} >&3`),
        argv: [at('path'), at('option'), at('script'), 0],
        envp: [0],
      },
      steps: [call('execve', at('path'), at('argv'), at('envp'))],
    }),
  },
  'fork-by-clone': { effect: endedWell, program: simple('clone', SIGCHLD) },
  'fork-by-clone3': {
    effect: endedWell,
    program: () => ({ data: { args: [0, 0, 0, 0, SIGCHLD, 0, 0, 0] }, steps: [call('clone3', at('args'), 64)] }),
  },
  fork: { effect: endedWell, program: simple('fork'), notHere: onlyX64 },
  vfork: { effect: endedWell, program: simple('vfork'), notHere: onlyX64 },
  'clone-into-namespace': { effect: endedWell, program: simple('clone', 0x1000_0000 | SIGCHLD) },
  ptrace: {
    effect: endedWell,
    program: ({ targets }) => ({ steps: [call('ptrace', 0x4206 /* PTRACE_SEIZE */, targets.victim, 0, 0)] }),
    notHere: mayTrace,
  },
  'read-other-memory': {
    effect: reported,
    program: ({ targets, victimSecretAt }) => ({
      data: { buffer: new Uint8Array(32), here: [at('buffer'), 32], there: [victimSecretAt, 32] },
      steps: [
        call('process_vm_readv', targets.victim, at('here'), 1, at('there'), 1, 0),
        call('write', 3, at('buffer'), 32),
      ],
    }),
    notHere: mayTrace,
  },
  'take-other-descriptor': {
    effect: endedWell,
    program: ({ targets }) => ({
      steps: [call('pidfd_open', targets.victim, 0), call('pidfd_getfd', result(0), 0, 0)],
    }),
    notHere: mayTrace,
  },
  'kill-raw': {
    effect: (world) => world.victimState() === 'gone',
    program: ({ targets }) => ({ steps: [call('kill', targets.victim, 9)] }),
  },
  'stop-raw': {
    effect: (world) => world.victimState() === 'T',
    program: ({ targets }) => ({ steps: [call('kill', targets.victim, 19)] }),
  },
  setuid: { effect: endedWell, program: simple('setuid', 65_534), notHere: onlyRoot },
  capset: {
    effect: endedWell,
    program: () => ({
      data: { header: [0x2008_0522], sets: [0, 0, 0] },
      steps: [call('capset', at('header'), at('sets'))],
    }),
  },
  'unshare-user': { effect: endedWell, program: simple('unshare', 0x1000_0000) },
  setns: { effect: endedWell, program: simple('setns', 4, 0), descriptor: 'namespace', notHere: onlyRoot },
  mount: {
    effect: endedWell,
    program: ({ targets }) => ({
      data: { type: text('tmpfs'), directory: text(targets.directory) },
      steps: [call('mount', at('type'), at('directory'), at('type'), 0, 0)],
    }),
    within: asContainerRoot,
  },
  'open-file-system': {
    effect: endedWell,
    program: () => ({ data: { type: text('tmpfs') }, steps: [call('fsopen', at('type'), 0)] }),
    within: asContainerRoot,
  },
  chroot: {
    effect: endedWell,
    program: () => ({ data: { root: text('/') }, steps: [call('chroot', at('root'))] }),
    within: asContainerRoot,
  },
  'pivot-root': {
    effect: endedWell,
    program: () => ({ data: { here: text('.') }, steps: [call('pivot_root', at('here'), at('here'))] }),
    within: (world) => [
      ...asContainerRoot(),
      ...[
        'sh',
        '-c',
        'mkdir "$0" && mount -t tmpfs none "$0" && cd "$0" && exec "$@"',
        `${world.targets.directory}/root`,
      ],
    ],
  },
  'raise-limit': {
    effect: endedWell,
    program: () => ({ data: { limit: [512, 512] }, steps: [call('prlimit64', 0, 7 /* NOFILE */, at('limit'), 0)] }),
    within: () => ['prlimit', '--nofile=64:512', '--'],
  },
  personality: { effect: endedWell, program: simple('personality', 0x4_0000) },
  'prctl-dumpable': { effect: endedWell, program: simple('prctl', 4, 1) },
  'socket-tcp': { effect: endedWell, program: simple('socket', 2, 1, 0) },
  'socket-unix': { effect: endedWell, program: simple('socket', 1, 1, 0) },
  'socket-netlink': { effect: endedWell, program: simple('socket', 16, 3, 0) },
  'map-executable': {
    effect: endedWell,
    program: simple('mmap', 0, 4096, 7, 0x22, -1, 0),
    notHere: withoutJit,
  },
  'protect-executable': { effect: endedWell, program: simple('mprotect', 0x40_0000, 4096, 7), notHere: withoutJit },
  'execute-memory-file': {
    effect: reported,
    program: ({ secret }) => {
      const inner = assemble(
        { data: { secret: text(secret) }, steps: [call('write', 3, at('secret'), secret.length)] },
        process.arch === 'arm64' ? 'arm64' : 'x64',
      );
      return {
        data: { name: text(''), inner, argv: [at('name'), 0] },
        steps: [
          call('memfd_create', at('name'), 0),
          call('write', result(0), at('inner'), inner.length),
          call('execveat', result(0), at('name'), at('argv'), 0, 0x1000 /* AT_EMPTY_PATH */),
        ],
      };
    },
  },
  'io-uring': {
    effect: endedWell,
    program: () => ({ data: { params: new Uint8Array(120) }, steps: [call('io_uring_setup', 8, at('params'))] }),
  },
  bpf: {
    effect: endedWell,
    // BPF_MAP_CREATE of an array: type 2, key of 4 bytes, value of 8, one entry
    program: () => ({
      data: { attr: [0x4_0000_0002n, 0x1_0000_0008n, 0, 0, 0, 0] },
      steps: [call('bpf', 0, at('attr'), 48)],
    }),
    notHere: onlyRoot,
  },
  'perf-event': {
    effect: endedWell,
    // PERF_TYPE_SOFTWARE, 112 bytes; this process, any CPU
    program: () => ({
      data: { attr: [0x70_0000_0001n, ...new Array<number>(13).fill(0)] },
      steps: [call('perf_event_open', at('attr'), 0, -1, -1, 0)],
    }),
    notHere: onlyRoot,
  },
  userfaultfd: { effect: endedWell, program: simple('userfaultfd', 1) },
  keyctl: { effect: endedWell, program: simple('keyctl', 0, -2, 1) },
  'shared-memory': {
    effect: endedWell,
    program: () => ({
      steps: [call('shmget', 0, 4096, 0o1000 | 0o600), call('shmctl', result(0), 0 /* IPC_RMID */, 0)],
    }),
    source: 'isolation.md 1b',
  },
  'x32-call': {
    effect: endedWell,
    program: () => ({ steps: [{ call: 0x4000_0000 + 39, args: [] }] }),
    source: 'seccomp(2), CVE-2015-2830',
    notHere: onlyX64,
  },
  'i386-call': {
    effect: endedWell,
    program: () => ({ steps: [{ call: 20 /* getpid */, args: [], abi: 'i386' }] }),
    source: 'seccomp(2), CVE-2009-0835',
    notHere: onlyX64,
  },
} as const satisfies Readonly<Record<string, RawProbe>>;
