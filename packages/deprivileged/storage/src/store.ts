/** A file that storage serves, as the launcher hands it over: a descriptor that it opened, and what may be done with it. */
export interface Store {
  readonly descriptor: number;
  /** Nothing at or beyond this offset is read or written. */
  readonly bytes: number;
  /** The file may be shorter: what it has not reads as zeros. */
  readonly growable: boolean;
  readonly writable: boolean;
  /** A flush makes sure that what was written survives a crash of the host; otherwise it is acknowledged as it is. */
  readonly durable: boolean;
}

/** What storage has of a VM: its stores by number, and the payload area that it shares with the machine. */
export interface Files {
  readonly stores: readonly Store[];
  /** Descriptor of the area, which has `PAYLOAD_AREA_BYTES`. */
  readonly area: number;
}
