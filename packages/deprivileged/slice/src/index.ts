export { type SliceChannels, start } from './slice.ts';
