import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startFakeProvider } from '../support/fake-provider.ts';
import { waitMsMax } from '../support/limits.ts';
import { startService } from '../support/service.ts';
import { readEvents, type ServerSentEvent, textOf } from '../support/sse.ts';

const machine = fileURLToPath(new URL('../support/apps/machine.ts', import.meta.url));

/** Folders of a machine: what its processes see, what its disk has at the power cut, and the sign that it hangs. */
function createFolders() {
  const path = mkdtempSync(join(tmpdir(), 'agent-service-power-cut-'));
  const remove = () => rmSync(path, { recursive: true, force: true });
  return { data: join(path, 'data'), disk: join(path, 'disk'), hangs: join(path, 'hangs'), [Symbol.dispose]: remove };
}

const envOf = (bootId: string, hangs: string) => ({
  NODE_OPTIONS: `--import ${machine}`,
  BOOT_ID: bootId,
  DISK_HANGS: hangs,
  EMBEDDED_SYNC: 'full',
  RUN_LEASE: '2',
});

test('a stream whose first text is lost in a power cut is complete for a client that received that text and reads on', async () => {
  using folders = createFolders();
  await using provider = await startFakeProvider();
  const hold = [
    { name: 'silent', afterTokens: 0 },
    { name: 'speaking', afterTokens: 1 },
  ];
  await provider.script({ text: 'one two three', hold }, 'It was four.');
  const seen: ServerSentEvent[] = [];
  {
    const env = envOf('first', folders.hangs);
    await using service = await startService({ provider, env, dataDir: folders.data });
    const body = JSON.stringify({ message: 'Count, please.' });
    const headers = { 'content-type': 'application/json' };
    // A text that waits for the disk would never come; the service has to be stopped then, too.
    const signal = AbortSignal.timeout(waitMsMax);
    const stream = readEvents(
      await fetch(`${service.url}/api/v1/run/stream`, { method: 'POST', headers, body, signal }),
    );
    seen.push(await stream.until('run.created'), await stream.until('run.started'));
    const isFile = (file: string) => !file.endsWith('-shm'); // that is memory
    cpSync(folders.data, folders.disk, { recursive: true, filter: isFile });
    writeFileSync(folders.hangs, '');
    await provider.release('silent');
    seen.push(await stream.until('text.delta')); // shown, though the disk does not have it
    await stream.leave();
    service.kill('SIGKILL');
    await service.exited;
  }
  const last = seen.at(-1) as ServerSentEvent;
  expect(last).toMatchObject({ id: '3', event: 'text.delta' });

  const env = envOf('second', join(folders.disk, 'works'));
  await using service = await startService({ provider, env, dataDir: folders.disk });
  const headers = { 'last-event-id': `${last.id}` };
  const rest = await readEvents(
    await fetch(`${service.url}/api/v1/runs/${last.data.run_id}/events`, { headers }),
  ).all();
  const all = [...seen, ...rest];
  expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => `${index + 1}`));
  expect(textOf(all)).toBe('It was four.');
  expect(rest.at(-1)).toMatchObject({
    event: 'run.completed',
    data: { run: { response: 'It was four.', crashes: 1 } },
  });
});
