import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

const mount = '/sys/fs/cgroup';
/** Where version 1 mounts its CPU controller: under its own name, or under that of both that it comes with. */
const v1Mounts = [`${mount}/cpu`, `${mount}/cpu,cpuacct`];

/** Reads a small text file; null where there is none. */
export type ReadText = (path: string) => string | null;

/** Reads a file of the machine. */
export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // another system, or another version of cgroups
  }
};

/** CPUs that a quota of microseconds in each period is worth; null for none (`max`, `-1`). */
function quotaOf(quota: string | undefined, period: string | undefined): number | null {
  const cpus = Number(quota) / Number(period);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : null;
}

const v2Quota = (folder: string, read: ReadText): number | null => {
  const [quota, period] = read(posix.join(folder, 'cpu.max'))?.trim().split(/\s+/) ?? [];
  return quotaOf(quota, period);
};

const v1Quota = (folder: string, read: ReadText): number | null =>
  quotaOf(read(posix.join(folder, 'cpu.cfs_quota_us'))?.trim(), read(posix.join(folder, 'cpu.cfs_period_us'))?.trim());

/** A path of a group and those of the groups around it: a quota binds whoever is below it. */
function upwards(path: string): string[] {
  const clean = posix.normalize(`/${path}`);
  return clean === '/' ? ['/'] : [clean, ...upwards(posix.dirname(clean))];
}

/**
 * The CPUs that the container, or the service manager, grants to this process: the least of the quotas that bind its
 * control group, version 2 or 1. Null where nothing does, and where there are no control groups.
 *
 * In a container the path of the group may be that of the host, which is not there; its own is the mount itself then.
 */
export function cpuQuota(read: ReadText = readText): number | null {
  const quotas: (number | null)[] = [];
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const group of upwards(path)) {
      if (controllers === '') quotas.push(v2Quota(posix.join(mount, group), read));
      if (!controllers.split(',').includes('cpu')) continue;
      for (const each of v1Mounts) quotas.push(v1Quota(posix.join(each, group), read));
    }
  }
  const found = quotas.filter((quota) => quota !== null);
  return found.length === 0 ? null : Math.min(...found);
}
