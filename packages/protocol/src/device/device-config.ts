/** A device of a machine, as its owner's client wants it; its place in the list is its PCI device number. */
export type DeviceConfig =
  | { readonly kind: 'console'; readonly names: readonly string[] }
  | {
      readonly kind: 'block';
      /** Of 512 bytes. */
      readonly sectors: number;
      readonly readOnly: boolean;
      readonly backing: BackingConfig;
    }
  | { readonly kind: 'rng' };

/** What a disk is made of, by numbers of stores; no store is part of two disks. */
export type BackingConfig =
  | { readonly kind: 'raw'; readonly store: number }
  | {
      readonly kind: 'overlay';
      /** Never written; read as far as the overlay has nothing. */
      readonly base: number;
      /** The hash tree that the base is checked against: `rootHash` in hexadecimal. */
      readonly tree: { readonly store: number; readonly rootHash: string } | 'unverified';
      /** Empty at the start; its contents mean nothing after this run. */
      readonly overlay: number;
    };
