export { isAlive, withLock } from './lock.ts';
export { type Place, placeOf } from './places.ts';
export { makePrivateDirectory, readIfThere, writeAtomically } from './whole-files.ts';
