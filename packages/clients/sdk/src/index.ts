export { parseDisk } from './disks.ts';
export { CloisterError, type RunErrorCode } from './failure.ts';
export { readInput, readKernel } from './kernels.ts';
export { lastLines } from './machine.ts';
export { hostImages, type ImageSettings, type Run, type RunOptions, runImage } from './run-image.ts';
export { type KernelRun, type KernelRunOptions, runKernel } from './run-kernel.ts';
export { type CommandOptions, type CommandResult, Sandbox, type SandboxOptions } from './sandbox.ts';
export { MEMORY_DEFAULT, parseDuration, parseMemory } from './sizes.ts';
