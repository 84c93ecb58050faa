import type { Api, PlayedCase } from './case.ts';
import type { ModelServer } from './model-server.ts';
import { comparableCalls, countsOf, type Play } from './played.ts';
import { messagesOf } from './sdk-side.ts';
import { bodyOf, followToEnd, type Served } from './service-side.ts';

/** How a caller asks the service. */
export const modes = ['blocking', 'stream', 'background', 'session'] as const;
export type Mode = (typeof modes)[number];

/** What is played on a running service. */
export type ServedPlay = {
  each: PlayedCase;
  api: Api;
  server: ModelServer;
  served: Served;
  notes: string[];
  mode: Mode;
};

/** Creates a run and returns its id, which an answer of any kind has. */
async function create(served: Served, mode: Mode, body: object): Promise<string> {
  if (mode === 'stream') return String((await served.stream(body))[0]?.data.run_id);
  const { run_id, ...rest } = await served.ask(mode === 'background' ? '/runs' : '/run', body);
  if (run_id === undefined) throw new Error(`The service created no run: ${JSON.stringify(rest)}`);
  return run_id;
}

/** All text that a run has streamed to the user. */
async function streamedText(served: Served, runId: string): Promise<string> {
  const deltas = (await served.events(runId)).filter(({ event }) => event === 'text.delta');
  return deltas.map(({ data }) => data.delta).join('');
}

/** Plays a case by the service, in one of the modes. */
export async function playServed({ each, server, served, notes, mode }: ServedPlay): Promise<Play> {
  const inSession = mode === 'session';
  const play: Omit<Play, 'done' | 'calls'> = { endings: [], asked: [], text: [] };
  notes.length = 0;
  server.follow(each.script);
  for (const message of messagesOf(each, inSession)) {
    const runId = await create(served, mode, { ...bodyOf(message), ...(inSession && { session_id: 's-1' }) });
    play.endings.push(await followToEnd(served, runId, each, play.asked));
    if (mode === 'stream') play.text.push(await streamedText(served, runId));
  }
  return { ...play, done: countsOf(notes), calls: comparableCalls(server.calls(), each.parallel === true) };
}
