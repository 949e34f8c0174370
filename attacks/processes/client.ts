/** A client of a world's own launcher: it finds the bundles that it lies beside. */
export { connectLauncher } from '../../packages/host/launcher/src/client/connect.ts';
export * from '../../packages/host/launcher/src/index.ts';
export { readLines, writeLine } from '../../packages/host/launcher/src/lines.ts';
