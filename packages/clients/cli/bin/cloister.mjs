#!/usr/bin/env node
// A committed shim: npm links it before the root's `prepare` has built what it imports.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`cloister: Node ${process.versions.node} is too old. Install Node 20.19 or newer`);
  process.exit(125);
}
await import('../../../../dist/cli.js').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('cloister: It is not built yet. Run npm ci, or npm run build');
  process.exit(125);
});
