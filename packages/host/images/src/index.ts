export type { BuildOptions } from './build-image.ts';
export { cacheDirectory } from './cache.ts';
export { IMAGE_ERRORS, ImageError, type ImageErrorCode } from './failure.ts';
export { type Copy, copyTarget, writeCopyDisk } from './guest/copy-disk.ts';
export { runSession, type SessionEnd, type SessionHandlers, signalSession } from './guest/run-session.ts';
export {
  type GuestMessage,
  guestMessages,
  nextMessage,
  runMessage,
  SESSION_PORTS,
  type SessionOptions,
  type SessionPort,
  sessionScript,
  signalMessage,
  windowSizeMessage,
} from './guest/session-protocol.ts';
export type { Image, ImagesOptions } from './images-context.ts';
export { type Mirror, mirrorCandidates, PUBLIC_MIRROR } from './mirror/mirror.ts';
export { type Images, openImages } from './open-images.ts';
export type { Progress, ProgressSink } from './progress.ts';
export type { StartVirtualMachine } from './recipes/build-machine.ts';
export type { FileEntry, ImageManifest, PackageEntry, RootDiskEntry } from './store/manifest.ts';
