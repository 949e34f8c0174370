import type { CompartmentKind, FilterVariant } from '../compartment-kind.ts';
import type { SystemCall } from './system-calls.ts';

/** (argument & mask) is one of the values; all 64 bits count. */
export interface ArgumentCheck {
  readonly argument: 0 | 1 | 2 | 3 | 4 | 5;
  readonly mask: bigint;
  readonly oneOf: readonly bigint[];
}

export interface Rule {
  /** The call passes if every check of one of these holds. An empty alternative lets all pass. */
  readonly allowedIf: readonly (readonly ArgumentCheck[])[];
  /** What the call returns if it does not pass; without one the process dies. */
  readonly errno?: number;
}

export type Rules = ReadonlyMap<SystemCall, Rule>;

const ENOTTY = 25;
const ENOSYS = 38;

const INT = 0xffff_ffffn;
const check = (argument: ArgumentCheck['argument'], mask: bigint, ...oneOf: bigint[]): ArgumentCheck => ({
  argument,
  mask,
  oneOf,
});
const only = (...checks: ArgumentCheck[]): Rule => ({ allowedIf: [checks] });
const absent: Rule = { allowedIf: [], errno: ENOSYS };

/** O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, and __O_TMPFILE, which has the same bit on both architectures. */
const OPEN_TO_CHANGE = 0x40_0643n;
/** CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD: what every thread has. */
const A_THREAD = 0x1_0f00n;
/** CLONE_PTRACE, CLONE_VFORK, CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const MORE_THAN_A_THREAD = 0x7e02_6080n;
const PROT_WRITE = 2n;
const PROT_EXEC = 4n;
const MAP_ANONYMOUS = 0x20n;

/** What the loader, V8 and libuv of Node 20 to 25 need to start, to run threads, to wait on descriptors, and to end. */
const ALL: readonly SystemCall[] = [
  ...(['futex', 'read', 'write', 'writev', 'epoll_pwait', 'epoll_ctl', 'epoll_create1', 'eventfd2', 'pipe2'] as const),
  ...(['mmap', 'mprotect', 'munmap', 'mremap', 'madvise', 'brk', 'close', 'fstat', 'newfstatat', 'statx'] as const),
  ...(['access', 'faccessat', 'readlink', 'readlinkat', 'pread64', 'getcwd', 'execve', 'exit', 'exit_group'] as const),
  ...(['rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'sigaltstack', 'restart_syscall', 'rseq'] as const),
  ...(['set_tid_address', 'set_robust_list', 'getpid', 'gettid', 'getuid', 'geteuid', 'getgid', 'getegid'] as const),
  ...(['capget', 'uname', 'sysinfo', 'getrandom', 'getsockname', 'getsockopt', 'shutdown'] as const),
  ...(['sched_yield', 'sched_getaffinity', 'sched_getparam', 'sched_getscheduler', 'clock_nanosleep'] as const),
  // Most hosts answer these without a call; a thread's CPU time, and a clock that the vDSO cannot read, take one.
  ...(['clock_gettime', 'clock_getres', 'gettimeofday', 'getcpu'] as const),
];

const ALL_WITH_RULES: readonly (readonly [SystemCall, Rule])[] = [
  ['openat', only(check(2, OPEN_TO_CHANGE, 0n))],
  ['clone', only(check(0, A_THREAD | MORE_THAN_A_THREAD, A_THREAD))],
  // Its flags lie in memory, where a filter cannot look; the C library then uses clone.
  ['clone3', absent],
  ['io_uring_setup', absent],
  ['io_uring_enter', absent],
  ['io_uring_register', absent],
  // PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_SET_VMA
  ['prctl', only(check(0, INT, 3n, 15n, 16n, 0x5356_4d41n))],
  // ARCH_SET_FS, ARCH_CET_STATUS and what it has become
  ['arch_prctl', only(check(0, INT, 0x1002n, 0x3001n, 0x5005n))],
  ['prlimit64', only(check(2, 2n ** 64n - 1n, 0n))],
  // FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
  ['ioctl', { allowedIf: [[check(1, INT, 0x541bn, 0x5421n, 0x5450n, 0x5451n)]], errno: ENOTTY }],
  // F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
  ['fcntl', only(check(1, INT, 1n, 2n, 3n, 4n, 1030n))],
];

/** V8 guards its code pages with protection keys where it can. */
const WITH_JIT: readonly SystemCall[] = ['pkey_alloc', 'pkey_mprotect', 'pkey_free'];

/** No page can be filled and then run: nothing becomes executable but what a file mapping brings along, never writable. */
const WITHOUT_JIT: readonly (readonly [SystemCall, Rule])[] = [
  ['mprotect', only(check(2, PROT_EXEC, 0n))],
  [
    'mmap',
    {
      allowedIf: [
        [check(2, PROT_EXEC, 0n)],
        [check(2, PROT_WRITE | PROT_EXEC, PROT_EXEC), check(3, MAP_ANONYMOUS, 0n)],
      ],
    },
  ],
];

/** What a kind needs beyond the rest, for the descriptors that it was given: the payload area, storage's files, the toolstack's clients. */
const OF_KIND: Readonly<Record<CompartmentKind, readonly SystemCall[]>> = {
  machine: ['pwrite64'],
  slice: [],
  storage: ['pwrite64', 'fdatasync'],
  scheduler: [],
  builder: [],
  enclave: [],
  toolstack: ['listen', 'accept4'],
};

/** setpriv puts the filter on before it looks at its capabilities, gives them up, and becomes Node. */
const AFTER_SETPRIV: readonly (readonly [SystemCall, Rule])[] = [
  ['capset', only()],
  // The base's, and PR_SET_KEEPCAPS, PR_CAPBSET_READ, PR_CAP_AMBIENT
  ['prctl', only(check(0, INT, 3n, 8n, 15n, 16n, 23n, 47n, 0x5356_4d41n))],
];

/** The system calls of a compartment kind, each with its rule. Everything else kills the process. */
export function rulesOf(kind: CompartmentKind, { jitless, landlock }: FilterVariant): Rules {
  return new Map<SystemCall, Rule>([
    ...[...ALL, ...OF_KIND[kind], ...(jitless ? [] : WITH_JIT)].map((name) => [name, only()] as const),
    ...ALL_WITH_RULES,
    ...(jitless ? WITHOUT_JIT : []),
    ...(landlock ? AFTER_SETPRIV : []),
  ]);
}
