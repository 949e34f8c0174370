// What the launcher says: JSON, a line each. Everybody believes it.

/** The answer to a client; what it named is closed unless the toolstack claims it while the connection lasts. */
export type ToClient =
  | { readonly id: string; readonly bytes: readonly number[] }
  /** The system's code, and how many files were in order: stores, area, slice, hart. The next is to blame. */
  | { readonly refused: string; readonly at: number };

/** What the launcher tells the toolstack, in the order in which it happens. Bytes are in base64. */
export type ToToolstack =
  /** It is the toolstack's: a link, or what somebody brought, with so many files. */
  | { readonly had: string; readonly files: number }
  /** `code` is the SHA-256 of what runs, in hexadecimal. The first is `toolstack` itself. */
  | { readonly started: string; readonly pid: number | null; readonly level: string; readonly code: string }
  /** Nothing was done. */
  | { readonly refused: string; readonly why: string }
  /** A status record, as it came. */
  | { readonly status: string; readonly record: string }
  /** What a compartment writes for its operator. */
  | { readonly log: string; readonly bytes: string }
  /** It is gone: how, in words. */
  | { readonly ended: string; readonly how: string }
  /** The line of /proc/PID/stat for each compartment, where there is one. */
  | { readonly usage: readonly (readonly [id: string, line: string | null])[] };
