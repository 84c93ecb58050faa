import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

const mount = '/sys/fs/cgroup';
/** Where version 1 mounts its CPU controller: alone, or together with `cpuacct`. */
const v1Mounts = [`${mount}/cpu`, `${mount}/cpu,cpuacct`];

/** Reads a small text file; null if it does not exist. */
export type ReadText = (path: string) => string | null;

/** Reads a file of this machine. */
export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // another system, or another version of cgroups
  }
};

/** The number of CPUs that a quota of microseconds per period equals; null for no quota (`max`, `-1`). */
function toCpus(quota: string | undefined, period: string | undefined): number | null {
  const cpus = Number(quota) / Number(period);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : null;
}

const v2Quota = (folder: string, read: ReadText): number | null => {
  const [quota, period] = read(posix.join(folder, 'cpu.max'))?.trim().split(/\s+/) ?? [];
  return toCpus(quota, period);
};

const v1Quota = (folder: string, read: ReadText): number | null =>
  toCpus(read(posix.join(folder, 'cpu.cfs_quota_us'))?.trim(), read(posix.join(folder, 'cpu.cfs_period_us'))?.trim());

/** The path of a group and the paths of its ancestors: the quota of an ancestor limits the group too. */
function withAncestors(path: string): string[] {
  const clean = posix.normalize(`/${path}`);
  return clean === '/' ? ['/'] : [clean, ...withAncestors(posix.dirname(clean))];
}

/**
 * The CPU quota that the container or the service manager gives this process: the lowest quota of its control group and
 * of the ancestors of the group, version 2 or 1. Null without a quota, and on systems without control groups.
 *
 * In a container, `/proc/self/cgroup` may hold the path on the host, which does not exist in the container. The group of
 * the container is then the mount itself.
 */
export function cpuQuota(read: ReadText = readText): number | null {
  const quotas: (number | null)[] = [];
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const group of withAncestors(path)) {
      if (controllers === '') quotas.push(v2Quota(posix.join(mount, group), read));
      if (!controllers.split(',').includes('cpu')) continue;
      for (const v1Mount of v1Mounts) quotas.push(v1Quota(posix.join(v1Mount, group), read));
    }
  }
  const limits = quotas.filter((quota) => quota !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}
