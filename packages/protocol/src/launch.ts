import { FRAME_BYTES } from './memory-map.ts';

/** Contents bytes of one `launch.update` at the most. */
export const LAUNCH_UPDATE_BYTES_MAX = 32 * FRAME_BYTES;

/** Length in bytes of the random seed in the device tree (`/chosen/rng-seed`). */
export const RNG_SEED_BYTES = 32;

/** Length of fw_dynamic_info, version 2: six doublewords (OpenSBI, include/sbi/fw_dynamic.h). */
export const FIRMWARE_INFO_BYTES = 48;

/** Life-cycle commands to the machine, after the SEV API's launch sequence. */
export const LAUNCH_COMMANDS = {
  /** Begins a launch, or begins it anew: the digest, the frames and all of RAM are as in a machine that was just made. */
  'launch.start': { code: 0x22, fields: {} },
  /** Puts `bytes` at a guest physical address, in frames that the VM has, and extends the digest. */
  'launch.update': {
    code: 0x20,
    fields: { address: 'size', bytes: { scalar: 'bytes', from: 1, to: LAUNCH_UPDATE_BYTES_MAX } },
  },
  /**
   * Ends the launch. Hart 0 will start at `pc` with a0 = its number and a1 = `deviceTree`: in S mode, or where
   * `firmwareInfo` is not 0 in M mode, with that address (OpenSBI's fw_dynamic_info) in a2. At `rngSeed`, the
   * address of `RNG_SEED_BYTES` placed before (0: none), the monitor puts randomness that no slice has seen. All of it
   * extends the digest, and where that is not the one which the machine was started with, the launch is refused.
   */
  'launch.finish': { code: 0x21, fields: { pc: 'size', deviceTree: 'size', rngSeed: 'size', firmwareInfo: 'size' } },
  'launch.measure': { code: 0x23, fields: {} },
} as const;

/** What the machine answers to them. */
export const LAUNCH_ANSWERS = {
  'launch.finished': { code: 0x28, fields: {} },
  /** The command was not carried out. `reason` is for people. */
  'launch.refused': { code: 0x29, fields: { reason: 'text' } },
  /** The digest of what was launched so far; the final one once `finished`. */
  'launch.measured': { code: 0x2a, fields: { digest: { scalar: 'bytes', from: 32, to: 32 }, finished: 'bool' } },
} as const;
