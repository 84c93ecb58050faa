/** Makes tests of cases: each is played by the SDK and by the service, and what comes of it has to be the same. */
import { setOpenAIAPI } from '@openai/agents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disableSdkDefaults, setSdkDefaultModel } from '../../src/platform/sdk-defaults.ts';
import type { ServeOptions } from '../../src/process/serve-options.ts';
import { type Api, apis, isRefused, type PlayedCase, type RefusedCase, type SdkCase } from './case.ts';
import { type ModelServer, startModelServer } from './model-server.ts';
import { playCrashes } from './play-crashes.ts';
import { modes, playServed } from './play-served.ts';
import type { Play } from './played.ts';
import { messagesOf, playSdk } from './sdk-side.ts';
import { optionsOf, serveCase } from './service-side.ts';

type Comparison = { each: PlayedCase; api: Api; server: ModelServer };

/** Calls without those that only repeat the one before. */
const withoutRepeated = (calls: unknown[]): unknown[] =>
  calls.filter((call, at) => at === 0 || JSON.stringify(call) !== JSON.stringify(calls[at - 1]));

/** A play as it is compared: failures by their pair of names. */
function comparable(play: Pick<Play, 'endings' | 'calls'>, { fails, asksAgain }: PlayedCase): unknown {
  const endings = play.endings.map((ending) =>
    'error' in ending && (ending.error === fails?.sdk || ending.error === fails?.code) ? 'fails as expected' : ending,
  );
  return { ...play, endings, calls: asksAgain ? withoutRepeated(play.calls) : play.calls };
}

async function expectSameInEveryMode({ each, api, server }: Comparison): Promise<void> {
  const notes: string[] = [];
  await using served = await serveCase({ options: optionsOf(each, server, (what) => notes.push(what)), api, server });
  // A session keeps a turn that failed, with a remark; that of the SDK loses it.
  for (const mode of modes.filter((mode) => mode !== 'session' || each.fails === undefined)) {
    const theirs = await playSdk({ each, api, server, streamed: mode === 'stream', inSession: mode === 'session' });
    const ours = await playServed({ each, api, server, served, notes, mode });
    expect(comparable(ours, each), mode).toEqual(comparable(theirs, each));
  }
}

/** A play of a case whose calls overlap, after a crash: what was in flight is done again, so that nothing is counted. */
function withoutCounts({ done, calls, ...rest }: Omit<Play, 'asked' | 'text'>) {
  return { ...rest, done: Object.keys(done), calls: [...new Set(calls.map((each) => JSON.stringify(each)))] };
}

/** What was done after a crash, where one hook may have been called once more, just before the crash. */
function forgivingOneHook(done: Play['done'], expected: Play['done']): Play['done'] {
  const [repeated] = Object.keys(done).filter((name) => done[name] === (expected[name] ?? 0) + 1);
  return repeated === undefined ? done : { ...done, [repeated]: (done[repeated] ?? 0) - 1 };
}

async function expectSameAfterCrashes({ each, api, server }: Comparison): Promise<void> {
  const single: PlayedCase = { ...each, messages: messagesOf(each, false).slice(0, 1) };
  const sdk = await playSdk({ each: single, api, server, streamed: false, inSession: false });
  const theirs = { endings: sdk.endings, done: sdk.done, calls: sdk.calls };
  const plays = await playCrashes(single, api, server);
  expect(plays.length).toBeGreaterThan(0);
  for (const { recorded, ...ours } of plays) {
    if (each.hooks) ours.done = forgivingOneHook(ours.done, theirs.done);
    const [our, their] = each.parallel ? [withoutCounts(ours), withoutCounts(theirs)] : [ours, theirs];
    expect(comparable(our, each), `after a crash with ${recorded}`).toEqual(comparable(their, each));
  }
}

async function expectRefused({ refused, message }: RefusedCase, server: ModelServer): Promise<void> {
  const options = (await refused()) as ServeOptions;
  const starting = serveCase({ options, api: 'responses', server }).then((served) => served[Symbol.asyncDispose]());
  await expect(starting).rejects.toThrow(message);
}

/** Makes the tests of these cases. */
export function compareWithSdk(cases: readonly SdkCase[]): void {
  let server: ModelServer;
  beforeAll(async () => {
    disableSdkDefaults(process.env);
    setSdkDefaultModel(process.env, 'gpt-4.1');
    server = await startModelServer();
    // For code of the cases that calls run() itself: the SDK's default client is made of these once.
    process.env.OPENAI_BASE_URL = server.baseUrl;
    process.env.OPENAI_API_KEY = 'sk-test';
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describe.each(cases)('$feature', (each) => {
    if (isRefused(each)) {
      test('is refused at the start', () => expectRefused(each, server));
      return;
    }
    const of = (api: Api) => {
      setOpenAIAPI(api);
      return { each, api, server };
    };
    const played = each.apis ?? apis;
    describe.each(played)('on %s', (api) => {
      test('is the same in every mode', () => expectSameInEveryMode(of(api)));
      if (each.asksAgain) return; // nothing is recorded
      test('is the same after a crash at each recorded step', () => expectSameAfterCrashes(of(api)));
    });
  });
}
