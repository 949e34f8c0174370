/** One disk of a VM: byte offsets and lengths that were checked against `bytes`. A rejected promise is an I/O error. */
export interface Disk {
  /** Capacity. */
  readonly bytes: number;
  readonly readOnly: boolean;
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** All writes that were answered before are as durable as this disk makes them. */
  flush(): Promise<void>;
  discard(offset: number, length: number): Promise<void>;
}
