import { startVirtualMachine } from '@cloister/launcher';
import { hostImages } from '@cloister/sdk';
import { qemuStarter } from '../../packages/host/images/testing/qemu-machine.ts';
import type { FullCheck } from '../full.ts';
import { diskDigest } from './disk-digest.ts';
import { guestPrograms } from './guest-programs.ts';
import { kernelWarnings } from './kernel-warnings.ts';

const PEER_LIMIT_MS = 1_800_000;
const DISK_BYTES = 1 << 30;
const QUICK_DISK_BYTES = 64 << 20;

/** Debian as on real hardware: no warning of its own kernel, its compiler and python3's tests, a disk read to its end. */
export const debianGuest: FullCheck = async ({ quick }) => {
  const peer = qemuStarter(PEER_LIMIT_MS);
  const warnings = await kernelWarnings(startVirtualMachine, peer);
  const disk = await diskDigest(
    await hostImages().pull('debian'),
    startVirtualMachine,
    quick ? QUICK_DISK_BYTES : DISK_BYTES,
  );
  const programs = quick ? undefined : await guestPrograms(peer);
  const ran = warnings.filter(({ notRun }) => notRun === undefined);
  const holds =
    ran.length > 0 &&
    ran.every(({ oursAlone }) => oursAlone?.length === 0) &&
    disk.guest === disk.host &&
    (programs === undefined || (programs.compiles && programs.pythonHolds && programs.failuresOursAlone.length === 0));
  return { holds, warnings, disk, ...(programs === undefined ? {} : { programs }) };
};
