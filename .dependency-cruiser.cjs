// The import table of ARCHITECTURE.md: who may import whom. Everything not listed for a row is forbidden to it.
const PACKAGES = {
  protocol: 'packages/protocol',
  'boot-plan': 'packages/boot-plan',
  crypto: 'packages/trusted/crypto',
  hardware: 'packages/trusted/hardware',
  monitor: 'packages/trusted/monitor',
  slice: 'packages/deprivileged/slice',
  storage: 'packages/deprivileged/storage',
  scheduler: 'packages/deprivileged/scheduler',
  builder: 'packages/deprivileged/builder',
  toolstack: 'packages/deprivileged/toolstack',
  files: 'packages/host/files',
  launcher: 'packages/host/launcher',
  images: 'packages/host/images',
  evidence: 'packages/evidence',
  pdp: 'packages/audit/pdp',
  enclave: 'packages/audit/enclave',
  prover: 'packages/audit/prover',
  auditor: 'packages/audit/auditor',
  sdk: 'packages/clients/sdk',
  report: 'packages/clients/report',
  cli: 'packages/clients/cli',
};
const MAY_IMPORT = {
  protocol: [],
  'boot-plan': ['protocol'],
  crypto: [],
  hardware: ['protocol'],
  monitor: ['protocol', 'hardware', 'crypto'],
  slice: ['protocol', 'boot-plan'],
  storage: ['protocol'],
  scheduler: ['protocol'],
  builder: ['protocol'],
  toolstack: ['protocol'],
  files: [],
  launcher: ['protocol', 'boot-plan'],
  images: ['protocol', 'files', 'launcher', 'crypto'],
  evidence: ['protocol'],
  pdp: ['protocol', 'crypto'],
  enclave: ['protocol', 'pdp', 'evidence', 'crypto'],
  prover: ['protocol', 'pdp', 'crypto'],
  auditor: ['protocol', 'files', 'launcher', 'evidence'],
  sdk: ['protocol', 'boot-plan', 'launcher', 'images', 'auditor', 'prover', 'pdp', 'crypto', 'files'],
  report: ['evidence', 'pdp', 'crypto'],
  cli: ['sdk', 'protocol', 'images', 'evidence', 'report'],
};
// What puts a compartment together with its channels: the one-process form, and each process's entry.
const MONOLITHIC = 'packages/host/launcher/src/(monolithic|compartments/(machine|[a-z]+-process))\\.ts$';
const TESTS = '(\\.test\\.ts$|/testing/)';

const layering = Object.entries(MAY_IMPORT).map(([name, allowed]) => ({
  name: `layering-${name}`,
  severity: 'error',
  comment: `${name} may import ${allowed.join(', ') || 'nothing of ours'}`,
  from: { path: `^${PACKAGES[name]}/src/`, pathNot: name === 'launcher' ? [TESTS, MONOLITHIC] : TESTS },
  to: {
    path: '^(packages|conformance|bench|attacks|tools)/',
    pathNot: [`^${PACKAGES[name]}/`, ...allowed.map((other) => `^${PACKAGES[other]}/`)],
  },
}));

module.exports = {
  forbidden: [
    ...layering,
    {
      name: 'trusted-has-no-dependencies',
      severity: 'error',
      from: { path: '^packages/(trusted|protocol)/', pathNot: TESTS },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'], pathNot: '^packages/' },
    },
    {
      name: 'privileged-loads-little',
      severity: 'error',
      comment: 'what the launcher loads has host authority: no channel, no compartment, no client',
      from: { path: '^packages/host/launcher/src/privileged/', pathNot: TESTS },
      to: {
        path: '^packages/',
        pathNot:
          '^packages/(protocol/|host/launcher/src/(privileged/|sandbox/(recipe|linux/process-of)\\.ts$|(lines|recipes)\\.ts$))',
      },
    },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['source', 'import', 'node', 'default'] },
  },
};
