/** What went wrong in Xen, and which attack of ours tries the same of Cloister, or why none can. */
export interface XenClass {
  readonly what: string;
  /** In what part of Cloister the same could happen. */
  readonly here: string;
  /** Those that stand for the class, at the least; none where there is nothing to attack. */
  readonly attacks: readonly string[];
  /** Without an attack: there is no such mechanism, or it is not protected, and SECURITY.md says so. */
  readonly without?: 'no such mechanism' | 'not protected';
}

const none = { attacks: [], without: 'no such mechanism' } as const;
const open = { attacks: [], without: 'not protected' } as const;

/** By the fault, not by what it led to. */
export const XEN_CLASSES = {
  arguments: {
    what: 'A call takes a number, a size or a handle that is out of range',
    here: 'HypeLet calls, completions, requests to storage',
    attacks: [
      'S1 state, csr, run and fence of harts that are not there',
      'S1 a count of frames runs past the end of RAM',
      'S1 registers, csrs and operations that no table has',
      'S1 a completion of a request that is not in flight',
      'B1 a payload is left far beyond the payload area, to fill the host’s memory',
    ],
  },
  privilege: {
    what: 'A call or a register is open to somebody whose it is not',
    here: 'virtual CSRs, stores, the launcher’s commands',
    attacks: [
      'S1 virtual CSRs that may be read alone are written',
      'B1 a store that may be read alone is written',
      'C a client without the token kills a VM',
    ],
  },
  'double-fetch': {
    what: 'Memory that a guest shares is read again after it was checked',
    here: 'the I/O gate’s reads of guest memory',
    attacks: [
      'G2 a request’s header is changed after it was checked',
      'G2 a discard’s list is changed after it was checked',
    ],
  },
  'page-tables': {
    what: 'A guest’s page table, checked or shadowed, maps what it must not',
    here: 'the page walk of the machine, on each TLB miss; nothing is typed, counted or shadowed',
    attacks: ['G3 a page table that lies outside RAM', 'G3 a page that a page table maps outside RAM'],
  },
  frames: {
    what: 'A frame is given, taken, moved or accounted wrongly',
    here: 'frame.map and the page information table',
    attacks: [
      'S1 a frame of another VM is given to this one',
      'S1 a frame that left comes back as zeros',
      'S1 a frame is taken twice, so that its contents are lost',
      'S1 frames beyond RAM are taken',
    ],
  },
  grants: {
    what: 'Memory that a guest grants to another is mapped, copied or counted wrongly',
    here: 'VMs share no memory, and nothing maps a guest’s; what a driver posts to the gate is tried under `lifetime`',
    ...none,
  },
  translations: {
    what: 'A translation or a cache outlives what it was made from',
    here: 'the TLBs of the harts',
    attacks: ['G3 a frame that the VM lost is read through an old translation'],
  },
  passthrough: {
    what: 'A device of the host is handed to a guest: IOMMU, MSI, resets',
    here: 'no device of the host is handed to a guest; a queue’s DMA is the gate’s (`arguments`, `device-model`)',
    ...none,
  },
  emulation: {
    what: 'An instruction is carried out otherwise than the processor does it, most often without a check of privilege',
    here: 'the interpreter: all instructions are',
    attacks: [
      'G4 a user program changes the kernel’s CSRs',
      'G4 random words as code, to break the machine that decodes them',
    ],
  },
  'cpu-state': {
    what: 'State with which a virtual CPU is entered or switched is inconsistent',
    here: 'entry to and exit from a hart',
    attacks: [
      'S1 pc and registers are changed at an exit for sbi',
      'S1 the guest starts in M-mode, with firmware’s powers',
      'S1 the guest starts at another address',
      'S1 a hart is run a second time while it runs',
    ],
  },
  registers: {
    what: 'Registers of one guest, or of the hypervisor, are left for another to read',
    here: 'what an exit shows; a hart belongs to one VM, and its process to no other',
    attacks: ['S1 every register is read at an exit for sbi', 'S1 every register is read at an exit for budget'],
  },
  uninitialised: {
    what: 'Memory is handed over with what was in it before',
    here: 'buffers of completions, of storage',
    attacks: [
      'B1 a read beyond a file’s end gives what an earlier read left',
      'S1 a read is answered before storage has read, for what lay in its place',
    ],
  },
  preemption: {
    what: 'One call, loop or recursion takes as long as the caller likes',
    here: 'the monitor’s event loop',
    attacks: [
      'G1 a doorbell that is rung without end keeps the monitor',
      'G2 a chain that is a loop keeps the monitor',
      'G1 an indirect table of a million descriptors',
      'G1 reads of zeros that keep the monitor',
    ],
  },
  exhaustion: {
    what: 'Memory or another resource is allotted without bound, or never given back',
    here: 'queues, buffers and files of every part',
    attacks: [
      'G1 a thousand block requests at once',
      'G1 a gigabyte of entropy in one request',
      'S1 calls whose answers the slice never takes',
      'B1 storage writes far beyond a store, to fill the host’s disk',
    ],
  },
  logging: {
    what: 'A guest writes the host’s log without end',
    here: 'logs of machine and slice',
    attacks: [
      'G1 a line in the operator’s log for each malformed ring',
      'S1 a line in the operator’s log for each refused call',
      'S1 a line in the operator’s log for each wrong answer on a disk',
    ],
  },
  locking: {
    what: 'A lock is not released on some path, or two are taken in either order',
    here: 'no part waits for a lock; what waits in the gate is a request for a block that another one changes',
    attacks: [
      'S1 a failed answer leaves its block held, and who wants it waits for ever',
      'S1 a slice process that hangs for ever',
    ],
  },
  lifetime: {
    what: 'What one operation frees, moves or resets another still uses',
    here: 'queues and buffers under way while a device or a slice is reset',
    attacks: [
      'S1 a completion after reset and restart writes into buffers that were taken back',
      'G1 a queue is moved and grown while it is served',
      'B1 an answer to the slice before goes to its successor',
      'F the slice dies at each message',
    ],
  },
  assertion: {
    what: 'A guest reaches a check, a division or a pointer that ends the hypervisor',
    here: 'every part that decodes: it would end its own VM',
    attacks: [
      'G3 a guest that ends the process that runs it',
      'B1 nonsense to the scheduler, to end it for all',
      'S1 frames beyond RAM are taken',
      'S1 a slice process that speaks nonsense, again and again',
    ],
  },
  events: {
    what: 'Interrupts and events: foreign ones, storms, wrong order, ports out of range',
    here: 'the lines that a slice may raise',
    attacks: [
      'S1 interrupts of foreign lines: UART, clock, none, beyond the controller',
      'S1 an interrupt of a device that no driver drives',
      'S1 an interrupt storm, until the guest turns the line off',
    ],
  },
  'device-model': {
    what: 'An emulated device (QEMU) reads, writes or loops beyond its bounds',
    here: 'the gate’s virtio devices, in the machine; the slice’s part has no guest memory',
    attacks: [
      'G2 a descriptor points below RAM, to read what lies elsewhere',
      'G2 a write beyond the end of the disk',
      'G1 features are changed after FEATURES_OK',
      'S1 a slice process that writes escape sequences for its operator’s terminal',
    ],
  },
  toolstack: {
    what: 'A tool with the host’s rights trusts a guest’s image, configuration or answers',
    here: 'builders and the client that takes what they say; the toolstack, which has none of the host’s rights',
    attacks: [
      'B1 a builder gives a package a hash that is a path',
      'B1 a builder unpacks a package to more than it may',
      'B2 a toolstack has a file opened by its path',
      'B2 a toolstack runs a program that it names',
    ],
  },
  store: {
    what: 'The store that all guests share (xenstored): crashes, quotas, permissions, what a dead guest leaves',
    here: 'storage and scheduler, which all VMs share; there are no names, watches or transactions',
    attacks: [
      'B1 a thousand requests more than storage takes',
      'B1 a slice process asks storage for another VM’s disk',
      'B1 nonsense to the scheduler, to end it for all',
      'B1 a slice that asks a thousand times before the grant comes',
    ],
  },
  drivers: {
    what: 'A driver of the host or of a guest (Linux) trusts the other end of its ring',
    here: 'the gate as back end of a guest’s driver; a front end is protected by the gate from slice and storage',
    attacks: [
      'G2 a descriptor points to a frame that the VM does not have',
      'S1 a completion of a request that is not in flight',
      'G1 a thousand block requests at once',
    ],
  },
  guest: { what: 'A guest’s kernel has a fault of its own', here: 'a guest may break itself', ...none },
  processor: {
    what: 'The processor: speculation, timing, power, an erratum',
    here: 'the host’s processor, and SECURITY.md on side channels',
    ...open,
  },
  configuration: {
    what: 'A statement of what is supported, and no fault of code',
    here: 'SECURITY.md and CAVEATS.md',
    ...none,
  },
  unused: { what: 'The number was not used', here: '', ...none },
  'not-had': { what: 'Not classified: no public text that we could have gives the title', here: '', ...none },
} as const satisfies Readonly<Record<string, XenClass>>;

export type XenClassName = keyof typeof XEN_CLASSES;
