/**
 * What clients and the launcher say to each other over its socket: JSON, a line each. The launcher checks every request
 * (`privileged/requests.ts`) and believes none of it; answers are one line, those of `run` go on until the VM is gone.
 */
export interface StoreRequest {
  /** A regular file. */
  readonly path: string;
  /** `temporary`: an empty file of the launcher's own making, gone with the VM; `path` is ignored. */
  readonly access: 'read' | 'write' | 'temporary';
  /** Of a temporary one: the store for whose blocks, sealed, it has room. */
  readonly over?: number;
  /** A flush reaches the disk. */
  readonly durable: boolean;
}

/** Other builds of a VM's parts than the launcher's own, by path. */
export interface Builds {
  readonly slice?: string;
  readonly hart?: string;
}

export type Request =
  /** Opens a VM's stores; the connection is its owner from now on, and its end is the VM's. */
  | {
      readonly do: 'run';
      readonly vm: string;
      readonly label: string;
      readonly stores: readonly StoreRequest[];
      readonly builds: Builds;
    }
  /** On the same connection, after `opened`: starts the compartments. `machine` is for the machine to read. */
  | {
      readonly do: 'start';
      readonly machine: object;
      readonly memoryBytes: number;
      readonly cpus: number;
      readonly weight: number;
    }
  /** Gives this connection to the VM's slice, or to the builder, as its link to the client. */
  | { readonly do: 'attach'; readonly vm: string; readonly token: string }
  /**
   * A builder, which ends with this connection. After `opened` the client attaches another one, for the builder to
   * speak over (its token is its name, too), and then says a line of anything here.
   */
  | { readonly do: 'build' }
  | { readonly do: 'list' }
  | { readonly do: 'inspect'; readonly vm: string; readonly token: string }
  /** `stop` asks the VM's owner to end it in order, `kill` ends it. */
  | { readonly do: 'stop' | 'kill'; readonly vm: string; readonly token: string }
  /** Replaces the slice of a running VM by another build, or debugs it. */
  | { readonly do: 'upgrade'; readonly vm: string; readonly token: string; readonly slice?: string }
  | { readonly do: 'debug'; readonly vm: string; readonly token: string };

/** What comes on the owner's connection. Epochs and records are in base64. */
export type Event =
  | {
      readonly opened: {
        /** The protection level that compartments are held at. */
        readonly level: string;
        readonly vm: string;
        readonly token: string;
        readonly bytes: readonly number[];
        readonly log: string;
      };
    }
  /** The slice is a new process: the client's link is in this epoch. */
  | { readonly slice: string }
  | { readonly stop: true }
  /** All is over, and why if nobody asked for it. `status` is the machine's last record. */
  | { readonly ended: { readonly reason: string | null; readonly status: string | null } }
  /** Nothing was started; `store` is the place of the store that is to blame. */
  | { readonly refused: string; readonly store?: number };

/** What comes on the connection of who asked for a builder, in this order. */
export type BuilderEvent =
  | { readonly opened: string }
  /** It runs; the link's epoch, in base64. */
  | { readonly epoch: string }
  /** It is gone: how, in words. */
  | { readonly ended: string }
  | { readonly refused: string };

export interface Listed {
  readonly vm: string;
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** One process of a VM, or one that serves it. */
export interface Part {
  readonly kind: string;
  /** Of the process that was started: a sandbox's outer one. */
  readonly pid: number | null;
  readonly level: string;
  readonly restarts: number;
  /** SHA-256 of its code, in hex. */
  readonly code: string;
  /** Its last status record, in base64; for the machine it has the counts of exits. */
  readonly status: string | null;
}

/** The answer to `inspect`. */
export interface Parts extends Listed {
  readonly parts: readonly Part[];
}
