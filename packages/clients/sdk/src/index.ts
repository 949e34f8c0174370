export { CloisterError, type RunErrorCode } from './failure.ts';
export { parseDisk } from './disks.ts';
export { readInput, readKernel } from './kernels.ts';
export { hostImages, type ImageSettings, type Run, type RunOptions, runImage } from './run-image.ts';
export { lastLines } from './machine.ts';
export { MEMORY_DEFAULT, parseDuration, parseMemory } from './sizes.ts';
export { Sandbox, type CommandOptions, type CommandResult, type SandboxOptions } from './sandbox.ts';
export { type KernelRun, type KernelRunOptions, runKernel } from './run-kernel.ts';
