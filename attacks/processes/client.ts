/** A client of a world's own launcher: it finds the bundles that it lies beside. */
export { connectLauncher, connectToolstack, socketsHere } from '../../packages/host/launcher/src/client/connect.ts';
export * from '../../packages/host/launcher/src/index.ts';
export { writeLine } from '../../packages/host/launcher/src/lines.ts';
export { readLines } from '../../packages/host/launcher/src/read-lines.ts';
