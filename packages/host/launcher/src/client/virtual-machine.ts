/** A file that the guest starts with: its path, or its bytes. */
export type BootFile = string | Uint8Array;

/** What a virtual machine is made of. Sizes in bytes; a kernel is an uncompressed RISC-V `Image`. */
export interface VirtualMachineConfig {
  /** Guest RAM: 64 MiB to 3 GiB, a multiple of 2 MiB. */
  readonly memoryBytes: number;
  readonly kernel: BootFile;
  readonly initrd?: BootFile;
  /** Firmware in M-mode (OpenSBI's fw_dynamic), which then answers SBI calls instead of the machine. */
  readonly firmware?: BootFile;
  /** `/chosen/bootargs`. */
  readonly commandLine: string;
  readonly disks?: readonly DiskConfig[];
  /** Names of the virtio console ports 1, 2, … in this order; port 0 is always the console `hvc0`. */
  readonly ports?: readonly string[];
}

export interface DiskConfig {
  /** A raw file on the host, its length a multiple of 512, or of 4096 for `discard`. */
  readonly path: string;
  readonly readOnly?: boolean;
  /**
   * `discard`: writes go to a throw-away overlay and end with the run (flush does not fsync), the disk's blocks are 4096 bytes; `direct`: writes go to
   * the file, flush means fsync; `direct-unsafe`: writes go to the file, flush is acknowledged without fsync (build disks).
   */
  readonly writes: 'discard' | 'direct' | 'direct-unsafe';
  /**
   * For `discard`: the file's hash tree (`protocol/formats/hash-tree.ts`), against which the machine checks each block
   * that it reads. Without it, whoever holds the file may change what the guest reads.
   */
  readonly tree?: { readonly path: string; readonly rootHash: string };
}

/** One end of a byte stream into the guest. Chunks arrive in order; `write` resolves when more may be written. */
export interface Port {
  /** Called for each chunk that the guest sends; set it before the guest can send. */
  onData: ((bytes: Uint8Array) => void) | undefined;
  /** Called when the guest closes the port. */
  onClose: (() => void) | undefined;
  write(bytes: Uint8Array): Promise<void>;
  /** The guest reads end-of-file once it has read what was written. */
  end(): void;
  /** Input goes on after an `end`. */
  reopen(): void;
}

/** How a virtual machine ended. */
export type MachineEnd =
  | { readonly kind: 'power-off' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'killed' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface VirtualMachine {
  /** What `ps` and the other commands call it. */
  readonly id: string;
  /** The UART (`ttyS0`), where the kernel's messages go. */
  readonly serial: Port;
  /** Virtio console port 0 (`hvc0`). */
  readonly console: Port;
  /** The named ports, in the order of the configuration. */
  readonly ports: ReadonlyMap<string, Port>;
  /** Resolves once, when the machine has stopped and its disks are closed. Never rejects. */
  readonly ended: Promise<MachineEnd>;
  /** Tells the guest the terminal's size, by the console's configuration and resize event. */
  resize(columns: number, rows: number): void;
  /** Called when someone asks for the machine's end in order (`cloister stop`). */
  onStop: (() => void) | undefined;
  /** Stops the machine at once. */
  kill(): void;
}
