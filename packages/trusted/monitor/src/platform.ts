import { INTERRUPT_SOURCE, MEMORY_MAP, PCI_DEVICES, TIMEBASE_HZ } from '@cloister/hardware';
import type { Platform } from '@cloister/protocol';

/** PLIC sources of the machine (`riscv,ndev`), and bytes of a cache block. */
const INTERRUPT_SOURCES = 31;
const CACHE_BLOCK_BYTES = 64;

/** What the slice is told of the machine. */
export function describePlatform(harts: number, ramBytes: number): Platform {
  const { ram, plic, clint, syscon, rtc, uart, pciConfig, pciMemory } = MEMORY_MAP;
  return {
    kind: 'platform',
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
