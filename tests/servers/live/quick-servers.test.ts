import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asking, scenariosFor, startAsking } from '../asking.ts';
import type { RunningServer } from '../definition.ts';
import { servers } from '../definitions.ts';
import { cacheFolder, NotFetchedError } from '../install.ts';
import { scenarios } from '../scenarios.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);

describe.each(servers.filter(({ isQuick }) => isQuick))('$title', (server) => {
  let running: RunningServer | undefined;
  let asking: Asking | undefined;
  let whySkipped: string | null = null;

  beforeAll(async () => {
    const folder = cacheFolder(process.env);
    try {
      await server.install(folder, say);
    } catch (error) {
      if (!(error instanceof NotFetchedError)) throw error;
      whySkipped = error.message;
      say(`${server.name} is skipped, because its registry does not give it: ${whySkipped}`);
      return;
    }
    running = await server.start(folder);
    asking = await startAsking(server, running);
  });
  afterAll(async () => {
    await asking?.[Symbol.asyncDispose]();
    await running?.[Symbol.asyncDispose]();
  });

  describe.each(server.apis)('over %s', (api) => {
    const isLimited = (name: string) => server.limits?.[`${api}/${name}`] !== undefined;
    const wanted = scenariosFor(server, scenarios).filter(({ name }) => !isLimited(name));
    test.for(wanted)('$promise ($name)', async (scenario, { skip }) => {
      skip(whySkipped !== null, `${whySkipped}`);
      const row = await asking?.ask(api, scenario);
      expect(row, JSON.stringify(row?.result)).toMatchObject({ isRight: true });
    });
  });
});
