import { type PlatformFacts, RNG_SEED_BYTES } from '@cloister/protocol';
import { cells, EMPTY, strings, type TreeNode, wide } from './device-tree.ts';

/** What the guest is told beside the machine itself: the contents of `/chosen`. */
export interface Chosen {
  readonly commandLine: string;
  /** Guest physical; absent without an initrd. */
  readonly initrd?: { readonly start: number; readonly end: number };
}

/** ISA extensions beside the single letters, as the kernel's bindings name them, in the specification's order. */
const EXTENSIONS = [
  ...['zicbom', 'zicbop', 'zicboz', 'zicntr', 'zicsr', 'zifencei', 'zihintpause', 'zihpm'],
  ...['zba', 'zbb', 'zbc', 'zbs', 'sstc', 'svade', 'svinval', 'svpbmt'],
];
const BASE_EXTENSIONS = ['i', 'm', 'a', 'f', 'd', 'c'];

/** Interrupts of a hart's local controller: M and S, software, timer, external (Privileged Architecture §3.1.9). */
const CAUSE = { machineSoftware: 3, machineTimer: 7, supervisorExternal: 9, machineExternal: 11 } as const;

const PLIC = 1;
const SYSCON = 2;
const firstHart = 16;

const POWER_OFF = 0x5555;
const REBOOT = 0x7777;

/** The machine as an operating system reads it. The seed is zeros: the monitor fills it in. */
export function describeMachine(platform: PlatformFacts, chosen: Chosen): TreeNode {
  const harts = Array.from({ length: platform.harts }, (_, hart) => hart);
  return {
    name: '',
    properties: {
      '#address-cells': cells(2),
      '#size-cells': cells(2),
      compatible: strings('cloister,machine', 'riscv-virtio'),
      model: strings('cloister,machine'),
    },
    children: [
      describeChosen(platform, chosen),
      {
        name: `memory@${platform.ramBase.toString(16)}`,
        properties: { device_type: strings('memory'), reg: range(platform.ramBase, platform.ramBytes) },
      },
      {
        name: 'cpus',
        properties: {
          '#address-cells': cells(1),
          '#size-cells': cells(0),
          'timebase-frequency': cells(platform.timebase),
        },
        children: harts.map((hart) => describeHart(platform, hart)),
      },
      {
        name: 'soc',
        properties: {
          '#address-cells': cells(2),
          '#size-cells': cells(2),
          compatible: strings('simple-bus'),
          ranges: EMPTY,
        },
        children: describeDevices(platform, harts),
      },
      describeSwitch('poweroff', 'syscon-poweroff', POWER_OFF),
      describeSwitch('reboot', 'syscon-reboot', REBOOT),
    ],
  };
}

const range = (base: number, bytes: number): Uint8Array => cells(...wide(base), ...wide(bytes));

function describeChosen(platform: PlatformFacts, { commandLine, initrd }: Chosen): TreeNode {
  return {
    name: 'chosen',
    properties: {
      bootargs: strings(commandLine),
      'stdout-path': strings(`/soc/serial@${platform.uartBase.toString(16)}`),
      'rng-seed': new Uint8Array(RNG_SEED_BYTES),
      ...(initrd === undefined
        ? {}
        : {
            'linux,initrd-start': cells(...wide(initrd.start)),
            'linux,initrd-end': cells(...wide(initrd.end)),
          }),
    },
  };
}

function describeHart(platform: PlatformFacts, hart: number): TreeNode {
  return {
    name: `cpu@${hart.toString(16)}`,
    properties: {
      device_type: strings('cpu'),
      reg: cells(hart),
      status: strings('okay'),
      compatible: strings('riscv'),
      'riscv,isa': strings(`rv64${BASE_EXTENSIONS.join('')}_${EXTENSIONS.join('_')}`),
      'riscv,isa-base': strings('rv64i'),
      'riscv,isa-extensions': strings(...BASE_EXTENSIONS, ...EXTENSIONS),
      'mmu-type': strings('riscv,sv48'),
      'riscv,cbom-block-size': cells(platform.cacheBlockBytes),
      'riscv,cbop-block-size': cells(platform.cacheBlockBytes),
      'riscv,cboz-block-size': cells(platform.cacheBlockBytes),
    },
    children: [
      {
        name: 'interrupt-controller',
        properties: {
          '#interrupt-cells': cells(1),
          '#address-cells': cells(0),
          'interrupt-controller': EMPTY,
          compatible: strings('riscv,cpu-intc'),
          phandle: cells(firstHart + hart),
        },
      },
    ],
  };
}

function describeDevices(platform: PlatformFacts, harts: readonly number[]): TreeNode[] {
  const toHarts = (...causes: number[]): Uint8Array =>
    cells(...harts.flatMap((hart) => causes.flatMap((cause) => [firstHart + hart, cause])));
  return [
    {
      name: `test@${platform.sysconBase.toString(16)}`,
      properties: {
        compatible: strings('sifive,test1', 'sifive,test0', 'syscon'),
        reg: range(platform.sysconBase, platform.sysconBytes),
        phandle: cells(SYSCON),
      },
    },
    {
      name: `rtc@${platform.rtcBase.toString(16)}`,
      properties: {
        compatible: strings('google,goldfish-rtc'),
        reg: range(platform.rtcBase, platform.rtcBytes),
        interrupts: cells(platform.rtcInterrupt),
        'interrupt-parent': cells(PLIC),
      },
    },
    {
      name: `clint@${platform.clintBase.toString(16)}`,
      properties: {
        compatible: strings('sifive,clint0', 'riscv,clint0'),
        reg: range(platform.clintBase, platform.clintBytes),
        'interrupts-extended': toHarts(CAUSE.machineSoftware, CAUSE.machineTimer),
      },
    },
    {
      name: `interrupt-controller@${platform.plicBase.toString(16)}`,
      properties: {
        compatible: strings('sifive,plic-1.0.0', 'riscv,plic0'),
        reg: range(platform.plicBase, platform.plicBytes),
        '#interrupt-cells': cells(1),
        '#address-cells': cells(0),
        'interrupt-controller': EMPTY,
        'interrupts-extended': toHarts(CAUSE.machineExternal, CAUSE.supervisorExternal),
        'riscv,ndev': cells(platform.interruptSources),
        phandle: cells(PLIC),
      },
    },
    {
      name: `serial@${platform.uartBase.toString(16)}`,
      properties: {
        compatible: strings('ns16550a'),
        reg: range(platform.uartBase, platform.uartBytes),
        'clock-frequency': cells(UART_CLOCK_HZ),
        interrupts: cells(platform.uartInterrupt),
        'interrupt-parent': cells(PLIC),
      },
    },
    describePciHost(platform),
  ];
}

const UART_CLOCK_HZ = 3_686_400;

/** The host bridge: one bus, a 32-bit memory window, INTA of each device wired to a source of its own. */
function describePciHost(platform: PlatformFacts): TreeNode {
  const map = Array.from({ length: platform.pciDevices }, (_, device) => [
    ...[device << 11, 0, 0, 1],
    ...[PLIC, platform.pciInterruptFirst + device],
  ]);
  return {
    name: `pci@${platform.pciConfigBase.toString(16)}`,
    properties: {
      compatible: strings('pci-host-ecam-generic'),
      device_type: strings('pci'),
      '#address-cells': cells(3),
      '#size-cells': cells(2),
      '#interrupt-cells': cells(1),
      'bus-range': cells(0, 0),
      'linux,pci-domain': cells(0),
      'dma-coherent': EMPTY,
      reg: range(platform.pciConfigBase, platform.pciConfigBytes),
      ranges: cells(
        NON_PREFETCHABLE_32_BIT,
        ...wide(platform.pciMemoryBase),
        ...wide(platform.pciMemoryBase),
        ...wide(platform.pciMemoryBytes),
      ),
      'interrupt-map-mask': cells(0xf800, 0, 0, 7),
      'interrupt-map': cells(...map.flat()),
    },
  };
}

/** The space code of an address in a PCI bus binding (IEEE 1275 PCI §2.2.1.1). */
const NON_PREFETCHABLE_32_BIT = 0x0200_0000;

function describeSwitch(name: string, compatible: string, value: number): TreeNode {
  return {
    name,
    properties: {
      compatible: strings(compatible),
      regmap: cells(SYSCON),
      offset: cells(0),
      value: cells(value),
    },
  };
}
