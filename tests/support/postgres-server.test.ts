import { once } from 'node:events';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { spawnProcess } from './child-processes.ts';
import { removeLeftovers, startPostgresServer } from './postgres-server.ts';

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    await client.end();
    return true;
  } catch {
    return false;
  }
}

test('a server that is removed does not answer any more', async () => {
  const server = await startPostgresServer();
  expect(await answers(server.url)).toBe(true);
  server.remove();
  expect(await answers(server.url)).toBe(false);
  server.remove();
});

test.each(['fast', 'immediate'] as const)(
  'a server that is stopped (%s) and started has what was committed',
  async (mode) => {
    const server = await startPostgresServer();
    try {
      const client = new pg.Client({ connectionString: server.url });
      client.on('error', () => {});
      await client.connect();
      await client.query('create table kept as select 1 as one');
      await server.stop(mode);
      expect(await answers(server.url)).toBe(false);
      await server.start();
      const again = new pg.Client({ connectionString: server.url });
      await again.connect();
      expect((await again.query('select one from kept')).rows).toEqual([{ one: 1 }]);
      await again.end();
    } finally {
      server.remove();
    }
  },
);

/** Starts a server in a process of its own, with its reaper. */
async function startInOtherProcess() {
  const urlOf = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `const { startPostgresServer } = await import(${urlOf('./postgres-server.ts')});
    const { reaperPid } = await import(${urlOf('./child-processes.ts')});
    process.stdout.write(JSON.stringify({ url: (await startPostgresServer()).url, reaper: reaperPid() }));`;
  const child = spawnProcess(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const { url, reaper } = JSON.parse(String(text)) as { url: string; reaper: number };
  return {
    url,
    reaper,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('a server whose process was killed is stopped by the next run; those of live processes go on', async () => {
  const other = await startInOtherProcess();
  process.kill(other.reaper, 'SIGKILL');
  await other.kill();
  expect(await answers(other.url)).toBe(true);
  await removeLeftovers();
  expect(await answers(other.url)).toBe(false);
  expect(await answers(inject('postgresAdminUrl'))).toBe(true);
});

test('a server whose process was killed is stopped at once by the reaper of that process', async () => {
  const other = await startInOtherProcess();
  await other.kill();
  while (await answers(other.url));
  await removeLeftovers();
  expect(await answers(inject('postgresAdminUrl'))).toBe(true);
});
