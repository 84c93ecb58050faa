import { describe, expect, test } from 'vitest';
import { cpuQuota } from './cpu-quota.ts';

/** The quota on a machine with these files. */
const quotaWith = (files: Record<string, string>) => cpuQuota((path) => files[path] ?? null);

const v2 = (path: string, files: Record<string, string>) => ({ '/proc/self/cgroup': `0::${path}\n`, ...files });
const v1 = (path: string, files: Record<string, string>) => ({
  '/proc/self/cgroup': `12:memory:${path}\n5:cpu,cpuacct:${path}\n3:cpuset:${path}\n1:name=systemd:${path}\n`,
  ...files,
});

describe('the CPU quota of control groups, version 2', () => {
  test.each([
    ['150000 100000\n', 1.5],
    ['400000 100000\n', 4],
    ['10000 50000', 0.2],
    ['max 100000\n', null],
    ['', null],
    ['nonsense', null],
    ['100000 0', null],
  ])('of a container whose cpu.max is %j is %j', (content, cpus) => {
    expect(quotaWith(v2('/', { '/sys/fs/cgroup/cpu.max': content }))).toBe(cpus);
  });

  test('of a unit is its own, or that of an enclosing slice if that is lower', () => {
    const files = v2('/app.slice/service.scope', {
      '/sys/fs/cgroup/app.slice/service.scope/cpu.max': '300000 100000',
      '/sys/fs/cgroup/app.slice/cpu.max': '200000 100000',
    });
    expect(quotaWith(files)).toBe(2);
  });

  test('is that of the mount if the path of the group is a path of the host', () => {
    expect(quotaWith(v2('/docker/4711', { '/sys/fs/cgroup/cpu.max': '100000 100000' }))).toBe(1);
  });

  test('is found if the path of the group leads out of the mount of the container', () => {
    expect(quotaWith(v2('/../../kubepods/pod1', { '/sys/fs/cgroup/cpu.max': '100000 100000' }))).toBe(1);
  });
});

describe('the CPU quota of control groups, version 1', () => {
  test.each([
    ['200000', '100000', 2],
    ['-1', '100000', null],
    ['0', '100000', null],
  ])('of %s microseconds in %s is %j', (quota, period, cpus) => {
    const folder = '/sys/fs/cgroup/cpu,cpuacct/docker/4711';
    const files = { [`${folder}/cpu.cfs_quota_us`]: `${quota}\n`, [`${folder}/cpu.cfs_period_us`]: `${period}\n` };
    expect(quotaWith(v1('/docker/4711', files))).toBe(cpus);
  });

  test('is that of the mount inside a container', () => {
    const files = { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' };
    expect(quotaWith(v1('/docker/4711', files))).toBe(0.5);
  });

  test('is not that of another controller', () => {
    const folder = '/sys/fs/cgroup/cpu';
    const files = { [`${folder}/cpu.cfs_quota_us`]: '50000', [`${folder}/cpu.cfs_period_us`]: '100000' };
    expect(quotaWith({ '/proc/self/cgroup': '3:cpuset:/\n', ...files })).toBe(null);
  });
});

test('a system without control groups has no quota', () => {
  expect(quotaWith({})).toBe(null);
});

test('on this machine the quota is a positive number of CPUs, or null', () => {
  const quota = cpuQuota();
  expect(quota === null || quota > 0).toBe(true);
});
