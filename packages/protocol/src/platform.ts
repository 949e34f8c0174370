/**
 * What the slice must know of the machine to describe it to the guest: guest physical addresses and lengths in bytes,
 * interrupt sources of the PLIC. The machine sends it first of all.
 */
export const PLATFORM_MESSAGE = {
  platform: {
    code: 0x10,
    fields: {
      harts: 'u16',
      ramBase: 'size',
      ramBytes: 'size',
      /** Hz of `time` and `mtime`. */
      timebase: 'u32',
      /** Bytes that one cache-block instruction of each of Zicbom, Zicboz and Zicbop works on. */
      cacheBlockBytes: 'u16',
      interruptSources: 'u16',
      plicBase: 'size',
      plicBytes: 'size',
      clintBase: 'size',
      clintBytes: 'size',
      sysconBase: 'size',
      sysconBytes: 'size',
      rtcBase: 'size',
      rtcBytes: 'size',
      rtcInterrupt: 'u16',
      uartBase: 'size',
      uartBytes: 'size',
      uartInterrupt: 'u16',
      pciConfigBase: 'size',
      pciConfigBytes: 'size',
      pciMemoryBase: 'size',
      pciMemoryBytes: 'size',
      /** PCI device n of bus 0 raises source `pciInterruptFirst` + n, for n below `pciDevices`. */
      pciInterruptFirst: 'u16',
      pciDevices: 'u16',
    },
  },
} as const;
