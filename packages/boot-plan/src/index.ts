export { expectedLaunchDigest, type PlanContents } from './expected-launch-digest.ts';
export { KERNEL_HEAD_BYTES } from './kernel-image.ts';
export { BLOBS, type Blob, type BootPlan, type BootWish, type Planned, type PlannedUpdate, planBoot } from './plan.ts';
