export { type OpenStored, openStored, type StoredPlace, schemeNamed } from './stored-file.ts';
