/** Contents bytes of one `launch.update` at the most. */
export const LAUNCH_UPDATE_BYTES_MAX = 128 * 1024;

/** Length in bytes of the random seed in the device tree (`/chosen/rng-seed`). */
export const RNG_SEED_BYTES = 32;

/** Length of fw_dynamic_info, version 2: six doublewords (OpenSBI, include/sbi/fw_dynamic.h). */
export const FIRMWARE_INFO_BYTES = 48;

/** Life-cycle commands to the machine, after the SEV API's launch sequence. */
export const LAUNCH_COMMANDS = {
  /** Puts `bytes` at a guest physical address. Before finish only. */
  'launch.update': { code: 0x20, fields: { address: 'size', bytes: 'bytes' } },
  /**
   * Ends the launch. Hart 0 will start at `pc` with a0 = its number and a1 = `deviceTree`: in S mode, or where
   * `firmwareInfo` is not 0 in M mode, with that address (OpenSBI's fw_dynamic_info) in a2. At `rngSeed`, the
   * address of `RNG_SEED_BYTES` placed before (0: none), the monitor puts randomness that no slice has seen.
   */
  'launch.finish': { code: 0x21, fields: { pc: 'size', deviceTree: 'size', rngSeed: 'size', firmwareInfo: 'size' } },
} as const;

/** What the machine answers to them. */
export const LAUNCH_ANSWERS = {
  'launch.finished': { code: 0x28, fields: {} },
  /** The command was not carried out. `reason` is for people. */
  'launch.refused': { code: 0x29, fields: { reason: 'text' } },
} as const;
