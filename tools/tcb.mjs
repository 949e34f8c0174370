// Who trusts how many lines: what each process loads (esbuild's own account of the bundles), counted as lines of code.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Lines of the launcher may not grow beyond this, so that padding the other parts gains nothing. */
export const LAUNCHER_LINES_MAX = 540;
/** What DeHype's HypeLet took (NDSS 2013). */
export const MONITOR_LINES_MAX = 2300;
/** DeHype's measure of KVM: 93.2 % of 33.6K lines run deprivileged, 2.3K stay (NDSS 2013). */
const DEHYPE = { share: 93.2, deprivileged: '33.6K', hypelet: '2.3K' };

const LAUNCHER = 'packages/host/launcher/src';
/**
 * With these a client writes down how compartments are run, in which the launcher fills in numbers. Not the launcher's
 * lines, but whoever reads it wants to read them too.
 */
const RECIPE = ['client/make-recipes', 'sandbox/sandbox', 'sandbox/node-runtime', 'sandbox/compartment-kind'].map(
  (name) => `${LAUNCHER}/${name}.ts`,
);
const PROCESSES = {
  launcher: {
    entry: `${LAUNCHER}/privileged/main.ts`,
    holds: 'host authority: opens, listens, spawns',
    trusted: 'everybody, with the host',
  },
  machine: {
    entry: `${LAUNCHER}/compartments/machine-process.ts`,
    holds: "guest RAM, hart state, the VM's keys",
    trusted: 'its own VM',
  },
  hart: {
    entry: 'packages/trusted/hardware/src/hart/worker.ts',
    holds: 'as the machine, whose thread it is',
    trusted: 'its own VM',
  },
  slice: { entry: `${LAUNCHER}/compartments/slice-process.ts`, holds: 'channels', trusted: 'nobody' },
  storage: { entry: `${LAUNCHER}/compartments/storage-process.ts`, holds: 'files opened for it', trusted: 'nobody' },
  scheduler: { entry: `${LAUNCHER}/compartments/scheduler-process.ts`, holds: 'run budgets', trusted: 'nobody' },
  builder: {
    entry: `${LAUNCHER}/compartments/builder-process.ts`,
    holds: 'what it unpacks',
    trusted: 'nobody',
  },
  enclave: {
    entry: `${LAUNCHER}/compartments/enclave-process.ts`,
    holds: "an audit's keys and state",
    trusted: 'the owner of what is audited',
  },
  toolstack: {
    entry: `${LAUNCHER}/compartments/toolstack-process.ts`,
    holds: "clients' connections, names for what the launcher holds",
    trusted: 'nobody with data: it can end or starve a VM',
  },
  cli: { entry: 'packages/clients/cli/src/main.ts', holds: "the user's authority", trusted: 'its user' },
};

/** Clients, what is counted with the machine, and what serves no VM. */
const NOT_HYPERVISOR = ['cli', 'hart', 'enclave'];

/** Lines that have a token of code: no comments, no blank lines. */
export function codeLines(text) {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
  const lines = new Set();
  const visit = (node) => {
    if (node.getChildCount(source) === 0 && node.getWidth(source) > 0) {
      const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const to = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      for (let line = from; line <= to; line += 1) lines.add(line);
    }
    for (const child of node.getChildren(source))
      if (child.kind < ts.SyntaxKind.FirstJSDocNode || child.kind > ts.SyntaxKind.LastJSDocNode) visit(child);
  };
  visit(source);
  return lines.size;
}

const counted = new Map();
function linesOf(path) {
  if (!counted.has(path)) counted.set(path, codeLines(readFileSync(join(root, path), 'utf8')));
  return counted.get(path);
}
const sum = (paths) => [...paths].reduce((lines, path) => lines + linesOf(path), 0);

/**
 * What a process loads: our files of which it loads anything, whose lines are counted as they were written, and of others'
 * packages what is left of them in the bundle, which is what runs.
 */
async function loadedBy(entry) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
    logLevel: 'silent',
    outdir: 'unused',
  });
  const files = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
  const isOurs = (path) => !path.includes('node_modules/');
  const script = outputFiles.find(({ path }) => path.endsWith('.js'));
  return {
    ours: new Set(files.filter(isOurs)),
    libraries: librariesIn(
      script.text,
      files.filter((path) => !isOurs(path)),
    ),
  };
}

/** esbuild writes the path of each file before what it takes from it. */
const SECTION = /^\/\/ (\S+)$/;

/** A literal that is no text: WebAssembly in base64. */
const BINARY = /"[A-Za-z0-9+/]{1000,}={0,2}"/g;

/**
 * The packages that these files of a bundle belong to: of how many files, how many lines in the bundle, and how many bytes of
 * WebAssembly on those lines.
 */
function librariesIn(bundle, files) {
  const sections = new Map();
  let section = [];
  for (const line of bundle.split('\n')) {
    const path = SECTION.exec(line)?.[1];
    if (path !== undefined && /\.\w+$/.test(path)) {
      section = sections.get(path) ?? [];
      sections.set(path, section);
    } else section.push(line);
  }
  const libraries = {};
  for (const path of files) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)[1];
    const library = (libraries[name] ??= { files: 0, lines: 0, binaryBytes: 0 });
    const lines = sections.get(path);
    if (lines === undefined) throw new Error(`"${path}" stands nowhere in the bundle`);
    library.files += 1;
    const text = lines.join('\n');
    library.lines += codeLines(text);
    for (const [literal] of text.matchAll(BINARY)) library.binaryBytes += Buffer.from(literal, 'base64').length;
  }
  return libraries;
}

/** All figures; `monitor` is file by file. */
export async function trustedBase() {
  const processes = {};
  for (const [name, { entry, holds, trusted }] of Object.entries(PROCESSES)) {
    try {
      readFileSync(join(root, entry));
    } catch {
      continue;
    }
    const { ours, libraries } = await loadedBy(entry);
    processes[name] = { lines: sum(ours), files: ours, libraries, holds, trusted };
  }
  const isHardware = (path) => path.startsWith('packages/trusted/hardware/');
  const privileged = processes.launcher.files;
  const hypervisor = new Set(
    Object.entries(processes)
      .filter(([name]) => !NOT_HYPERVISOR.includes(name))
      .flatMap(([, { files }]) => [...files])
      .filter((path) => !isHardware(path)),
  );
  const deprivileged = [...hypervisor].filter((path) => !privileged.has(path));
  const withClients = new Set([...privileged, ...processes.cli.files]);
  const all = new Set([...hypervisor, ...withClients]);
  const own = [...processes.machine.files, ...(processes.hart?.files ?? [])];
  const inMonitor = (path) =>
    path.startsWith('packages/trusted/monitor/') || path.startsWith('packages/trusted/crypto/');
  const monitor = [...new Set(own)].filter(inMonitor).sort();
  return {
    processes: Object.fromEntries(Object.entries(processes).map(([name, { files: _, ...process }]) => [name, process])),
    privileged: sum(privileged),
    deprivileged: sum(deprivileged),
    share: (100 * sum(deprivileged)) / (sum(privileged) + sum(deprivileged)),
    recipeLines: sum(RECIPE),
    shareWithRecipe: (100 * sum(deprivileged)) / (sum(privileged) + sum(RECIPE) + sum(deprivileged)),
    shareWithClients: (100 * sum([...all].filter((path) => !withClients.has(path)))) / sum(all),
    monitor: Object.fromEntries(monitor.map((path) => [path, linesOf(path)])),
    monitorLines: sum(monitor),
    hardwareLines: sum(new Set(own.filter(isHardware))),
    sharedLines: sum(new Set(own.filter((path) => !inMonitor(path) && !isHardware(path)))),
    enclavePackages: byPackage(processes.enclave.files),
    launcherFiles: Object.fromEntries([...privileged].sort().map((path) => [path, linesOf(path)])),
  };
}

/** Lines of our packages among these files. */
function byPackage(files) {
  const lines = {};
  for (const path of [...files].sort()) {
    const name = /^(packages\/.+?)\/src\//.exec(path)?.[1] ?? path;
    lines[name] = (lines[name] ?? 0) + linesOf(path);
  }
  return lines;
}

/** Why each file of the monitor must be trusted. */
export const reasons = () => JSON.parse(readFileSync(join(root, 'tools/tcb-reasons.json'), 'utf8'));

async function print() {
  const found = await trustedBase();
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(found, null, 2));
    return;
  }
  console.log('Lines of code that each process loads:');
  for (const [name, { lines, holds, trusted }] of Object.entries(found.processes))
    console.log(`  ${name.padEnd(10)}${String(lines).padStart(6)}  holds ${holds}; trusted by ${trusted}`);
  console.log('\nThe launcher, file by file:');
  for (const [path, lines] of Object.entries(found.launcherFiles))
    console.log(`  ${String(lines).padStart(5)}  ${path}`);
  console.log('\nThe monitor, file by file:');
  const why = reasons();
  for (const [path, lines] of Object.entries(found.monitor))
    console.log(`  ${String(lines).padStart(5)}  ${path}\n         ${why[path] ?? '(no reason given)'}`);
  const { lines: enclaveLines, libraries } = found.processes.enclave;
  console.log('\nThe enclave, with its libraries (of these, what its bundle has of them):');
  for (const [name, lines] of Object.entries(found.enclavePackages))
    console.log(`  ${String(lines).padStart(5)}  ${name}`);
  for (const [name, { lines, files, binaryBytes }] of Object.entries(libraries)) {
    const binary =
      binaryBytes === 0 ? '' : `, with ${Math.round(binaryBytes / 1024)} KiB of WebAssembly beside these lines`;
    console.log(`  ${String(lines).padStart(5)}  ${name}: ${files} of its files${binary}`);
  }
  const libraryLines = Object.values(libraries).reduce((total, { lines }) => total + lines, 0);
  const all = enclaveLines + libraryLines;
  console.log(
    `  ${enclaveLines} lines of ours and ${libraryLines} of libraries: ${all} that whoever has data audited trusts, beside Node.`,
  );
  console.log(`
Without host authority: ${found.share.toFixed(1)} % of the hypervisor (${found.deprivileged} lines of launcher, toolstack, monitor, slice and services, against
${found.privileged} in the launcher, at most ${LAUNCHER_LINES_MAX}). DeHype: ${DEHYPE.share} % of ${DEHYPE.deprivileged} lines of KVM, ${DEHYPE.hypelet} stay.
With the ${found.recipeLines} lines of the sandboxes' recipe, which a client writes for it: ${found.shareWithRecipe.toFixed(1)} %.
With the CLI and all it loads counted as privileged: ${found.shareWithClients.toFixed(1)} %.
In a VM's own trusted base: ${found.monitorLines} lines of monitor and crypto (at most ${MONITOR_LINES_MAX}), ${found.sharedLines} of protocol and channels, and ${found.hardwareLines} of hardware apart.
DeHype leaves ${DEHYPE.hypelet} lines of HypeLet beside the whole hosted hypervisor; Nexen a monitor and a slice of Xen's core for each VM.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await print();
