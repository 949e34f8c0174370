import type { PackageRecord } from './builder/package-record.ts';
import { type DownloadContext, download } from './download.ts';
import type { ProgressSink } from './progress.ts';

/** How many packages come in at a time: enough to hide a mirror's latency. */
const PARALLEL = 4;
const REPORT_MS = 200;

/**
 * Downloads packages into the cache and returns their files by name. On the first error the others are stopped; what is
 * complete stays, what is not is gone on with next time. Throws as `download`.
 */
export async function downloadAll(
  context: DownloadContext,
  records: readonly PackageRecord[],
  progress: ProgressSink | undefined,
  startedAt: number,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const bytes = new Map<string, number>();
  const totalBytes = records.reduce((total, { size }) => total + size, 0);
  let reportedAt = 0;
  const report = (always: boolean) => {
    const now = Date.now();
    if (!always && now - reportedAt < REPORT_MS) return;
    reportedAt = now;
    progress?.({
      kind: 'download',
      bytes: [...bytes.values()].reduce((total, count) => total + count, 0),
      totalBytes,
      packages: files.size,
      totalPackages: records.length,
      seconds: (now - startedAt) / 1000,
    });
  };
  const stop = new AbortController();
  const signal = context.signal === undefined ? stop.signal : AbortSignal.any([context.signal, stop.signal]);
  const queue = [...records];
  const worker = async () => {
    for (let record = queue.shift(); record !== undefined; record = queue.shift()) {
      const { name, filename, size, sha256 } = record;
      const file = await download({ ...context, signal }, { path: filename, size, sha256 }, (total) => {
        bytes.set(name, total);
        report(false);
      });
      files.set(name, file);
    }
  };
  const workers = Array.from({ length: Math.min(PARALLEL, records.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(workers);
    throw error;
  }
  report(true);
  return files;
}
