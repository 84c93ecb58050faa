import { hostname } from 'node:os';
import { systemClock } from '../platform/clock.ts';
import { createEventLoopDelay } from '../platform/event-loop-delay.ts';
import { createIds } from '../platform/ids.ts';
import { createMetrics } from '../platform/metrics/metrics.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { versions as versionsOf } from '../platform/versions.ts';

/** The parts that every feature uses: time, ids, metrics and versions. */
export function createPlatform(settings: Settings) {
  const clock = systemClock;
  const versions = versionsOf(settings.appVersion);
  return {
    clock,
    ids: createIds(clock.nowMs),
    metrics: createMetrics(),
    eventLoopDelay: createEventLoopDelay({ clock }),
    versions,
    /** The host and the process id, by which other processes identify this one. */
    host: { name: hostname(), pid: process.pid },
  };
}

/** See `createPlatform`. */
export type Platform = ReturnType<typeof createPlatform>;
