/**
 * The ten services through which a slice drives its VM (DeHype, NDSS 2013, table 1, carried to RISC-V). `from` is who
 * sends the message. A call without fields has its bytes defined by the issue that first uses it.
 */
export const HYPELET_CALLS = {
  /** Creates a hart; before launch finishes. */
  'hart.init': { paper: 'INIT_VCPU', from: 'slice', code: 0x01, fields: { hart: 'u16' } },
  /** Enters the guest. `budget` counts retired instructions, 0 means until the next exit. */
  'hart.run': { paper: 'GUEST_RUN', from: 'slice', code: 0x02, fields: { hart: 'u16', budget: 'u64' } },
  /**
   * Why a hart left the guest, and what that reason exposes in `values`. `sbi`: a7, a6, a0..a5 of a call that neither
   * machine nor monitor answers. `syscon`: what was stored to the test finisher.
   */
  'hart.exit': {
    paper: 'GUEST_RUN_POST',
    from: 'monitor',
    code: 0x03,
    fields: { hart: 'u16', reason: { oneOf: ['sbi', 'syscon'] }, values: { listOf: 'u64' } },
  },
  'state.read': { paper: 'VMREAD', from: 'slice', code: 0x04, fields: undefined },
  /** Completes an exit: for `sbi` the pair {error in a0, value in a1}; `syscon` takes none. */
  'state.write': {
    paper: 'VMWRITE',
    from: 'slice',
    code: 0x05,
    fields: { hart: 'u16', error: 'u64', value: 'u64' },
  },
  'csr.read': { paper: 'RDMSR', from: 'slice', code: 0x06, fields: undefined },
  'csr.write': { paper: 'WRMSR', from: 'slice', code: 0x07, fields: undefined },
  'fence.vma': { paper: 'INVVPID', from: 'slice', code: 0x08, fields: undefined },
  'fence.gvma': { paper: 'INVEPT', from: 'slice', code: 0x09, fields: undefined },
  'frame.map': { paper: 'MAP_HVA_TO_PFN', from: 'slice', code: 0x0a, fields: undefined },
} as const;
