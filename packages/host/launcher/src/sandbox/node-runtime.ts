/** The Node that compartments run on. */
export interface NodeRuntime {
  readonly executable: string;
  /** Absolute paths of what the loader loads with it, the loader itself among them. */
  readonly libraries: readonly string[];
  readonly major: number;
  readonly architecture: string;
  /** Options that this version may lack; an unknown option ends Node. */
  readonly hasSqlite: boolean;
  readonly permissionFlag: string;
  /** util-linux's prlimit is there to be found. */
  readonly hasLimits: boolean;
}

/**
 * The Node that runs this code. What its loader has loaded it says itself, in 4 ms and once (`ldd` would be another
 * process, and a parser of ELF would have to search as this machine's loader does).
 */
export function thisNode(): NodeRuntime {
  here ??= look();
  return here;
}

let here: NodeRuntime | undefined;

function look(): NodeRuntime {
  const known = process.allowedNodeEnvironmentFlags;
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean };
  report.excludeNetwork = true; // else it asks for the name of every peer
  const { sharedObjects } = report.getReport() as { readonly sharedObjects: readonly string[] };
  return {
    executable: process.execPath,
    libraries: sharedObjects.filter((path) => path.startsWith('/') && path !== process.execPath),
    major: Number.parseInt(process.versions.node, 10),
    architecture: process.arch,
    hasSqlite: known.has('--experimental-sqlite'),
    permissionFlag: known.has('--permission') ? '--permission' : '--experimental-permission',
    hasLimits: process.platform === 'linux',
  };
}
