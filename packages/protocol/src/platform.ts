import { INTERRUPT_SOURCE, MEMORY_MAP, PCI_DEVICES, TIMEBASE_HZ } from './memory-map.ts';
import type { MessageOf } from './message.ts';

/** How far a VM is: `launched` waits for the first `hart.run`; a slice that comes to a `running` one joins it. */
export const LAUNCH_PHASES = ['launching', 'launched', 'running'] as const;

/**
 * What the slice must know of the machine: how far it is, and to describe it to the guest its guest physical addresses
 * and lengths in bytes and its interrupt sources of the PLIC. The machine says it first of all to each slice.
 */
export const PLATFORM_MESSAGE = {
  platform: {
    code: 0x10,
    fields: {
      phase: { oneOf: LAUNCH_PHASES },
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

export type Platform = MessageOf<typeof PLATFORM_MESSAGE>;
/** The machine alone, whatever it does. */
export type PlatformFacts = Omit<Platform, 'kind' | 'phase'>;

/** PLIC sources of the machine (`riscv,ndev`), and bytes of a cache block. */
const INTERRUPT_SOURCES = 31;
const CACHE_BLOCK_BYTES = 64;

/** The machine with so many harts and so much RAM, as every machine of this version is. */
export function describePlatform(harts: number, ramBytes: number): PlatformFacts {
  const { ram, plic, clint, syscon, rtc, uart, pciConfig, pciMemory } = MEMORY_MAP;
  return {
    harts,
    ramBase: ram.base,
    ramBytes,
    timebase: TIMEBASE_HZ,
    cacheBlockBytes: CACHE_BLOCK_BYTES,
    interruptSources: INTERRUPT_SOURCES,
    plicBase: plic.base,
    plicBytes: plic.length,
    clintBase: clint.base,
    clintBytes: clint.length,
    sysconBase: syscon.base,
    sysconBytes: syscon.length,
    rtcBase: rtc.base,
    rtcBytes: rtc.length,
    rtcInterrupt: INTERRUPT_SOURCE.rtc,
    uartBase: uart.base,
    uartBytes: uart.length,
    uartInterrupt: INTERRUPT_SOURCE.uart,
    pciConfigBase: pciConfig.base,
    pciConfigBytes: pciConfig.length,
    pciMemoryBase: pciMemory.base,
    pciMemoryBytes: pciMemory.length,
    pciInterruptFirst: INTERRUPT_SOURCE.pciFirst,
    pciDevices: PCI_DEVICES,
  };
}
