/** Exception codes (privileged specification, table "mcause values after trap"). */
export const CAUSE = {
  fetchMisaligned: 0,
  fetchAccess: 1,
  illegal: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  callFromU: 8,
  callFromS: 9,
  callFromM: 11,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/** Interrupt bits of mip and mie, and interrupt codes: bit number = code. */
export const INTERRUPT = {
  supervisorSoftware: 1,
  machineSoftware: 3,
  supervisorTimer: 5,
  machineTimer: 7,
  supervisorExternal: 9,
  machineExternal: 11,
} as const;
