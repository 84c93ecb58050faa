/** The service's side of a comparison: the whole service in this process, on the embedded store, asked over HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService } from '../../src/main.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { assertNothingIgnored } from '../../src/process/sdk-configuration.ts';
import { assertKnownOptions, type ServeOptions } from '../../src/process/serve-options.ts';
import { withOptions } from '../../src/process/serve-process.ts';
import type { HitFailpoint } from '../../src/runs/index.ts';
import { readEvents } from '../support/sse.ts';
import type { Api, Decision, Message, PlayedCase } from './case.ts';
import type { ModelServer } from './model-server.ts';
import type { AskedCall, Ending } from './played.ts';

/** A run as the API shows it. */
export type Run = {
  run_id: string;
  status: string;
  response: string | null;
  output: unknown;
  error: { code: string; detail: string } | null;
  code?: string;
  required_action: { type: string; items: (AskedCall & { call_id: string })[] } | null;
};

const environment = (api: Api, server: ModelServer, dataDir: string) => ({
  APP_ENV: 'test',
  LOG_LEVEL: 'CRITICAL',
  HOST: '127.0.0.1',
  PORT: '0',
  METRICS_PORT: '0',
  WEB_CONCURRENCY: '1',
  DATA_DIR: dataDir,
  EMBEDDED_SYNC: 'normal',
  RATE_LIMIT_RPM: '1000000',
  RATE_LIMIT_BURST: '1000000',
  EVENT_LOOP_DELAY_MAX: '60',
  OPENAI_BASE_URL: server.baseUrl,
  OPENAI_API_KEY: 'sk-test',
  OPENAI_API: api,
});

const discarded = { write: () => {} };

/** What is served where, and what happens at its failpoints. */
export type ServedSetup = {
  options: ServeOptions;
  api: Api;
  server: ModelServer;
  /** Defaults to a new folder, which is removed with the service. */
  dataDir?: string;
  hitFailpoint?: HitFailpoint;
};

/** Starts the service as `serve()` does, but for the handlers of the process. */
async function start({ options, api, server, hitFailpoint }: ServedSetup, dataDir: string) {
  assertKnownOptions(options);
  const settings = withOptions(parseSettings(environment(api, server, dataDir)), options);
  await assertNothingIgnored(settings.openai, process.env.OPENAI_API_KEY);
  const log = createLogger({ level: 'CRITICAL', appName: 'sdk', readable: false, destination: discarded });
  const parts = hitFailpoint === undefined ? {} : { hitFailpoint };
  return startService(options, settings, log, parts);
}

/** Serves a case in this process, on an address of its own. */
export async function serveCase(setup: ServedSetup) {
  const dataDir = setup.dataDir ?? mkdtempSync(join(tmpdir(), 'agent-service-sdk-'));
  const remove = () => setup.dataDir ?? rmSync(dataDir, { recursive: true, force: true });
  const service = await start(setup, dataDir).catch((error: unknown) => {
    remove();
    throw error;
  });
  const base = `${service.url}/api/v1`;

  const ask = async (path: string, body?: unknown): Promise<Run> => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return (await (await fetch(base + path, body === undefined ? {} : init)).json()) as Run;
  };

  return {
    ask,
    /** The events of a run up to its end, or to its next question. */
    events: async (runId: string) => readEvents(await fetch(`${base}/runs/${runId}/events`)).all(),
    /** Creates a run whose events are the answer, and reads them. */
    stream: async (body: unknown) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      return readEvents(await fetch(`${base}/run/stream`, init)).all();
    },
    async [Symbol.asyncDispose]() {
      await service.stop();
      remove();
    },
  };
}

/** A service that serves a case. */
export type Served = Awaited<ReturnType<typeof serveCase>>;

/** The options by which a case is served. */
export function optionsOf(each: PlayedCase, server: ModelServer, note: (what: string) => void): ServeOptions {
  const { context, runner, options } = each;
  return {
    agents: each.agents({ note, server: (added) => added, modelUrl: server.baseUrl }),
    ...(context === undefined ? {} : { context: () => structuredClone(context) }),
    ...(runner === undefined ? {} : { runner }),
    ...options,
  } as ServeOptions;
}

/** The body of a message. */
export const bodyOf = (message: Message) => (typeof message === 'string' ? { message } : message.body);

const questionOf = ({ agent, tool, arguments: args }: AskedCall): AskedCall => ({ agent, tool, arguments: args });

/** A decision on the wire. */
function decisionOf(call_id: string, { approve, reason, always }: Decision) {
  const fields = { ...(always && { always }), ...(reason !== undefined && { reason }) };
  return { call_id, decision: approve ? 'approve' : 'reject', ...fields };
}

/** Waits for the end of a run, and decides in the name of the case's person whatever it asks. */
export async function followToEnd(
  served: Served,
  runId: string,
  each: PlayedCase,
  asked: AskedCall[],
): Promise<Ending> {
  for (;;) {
    await served.events(runId);
    const run = await served.ask(`/runs/${runId}`);
    if (run.status !== 'requires_action') return endingOf(run);
    const items = run.required_action?.items ?? [];
    asked.push(...items.map(questionOf));
    // After a crash a call may wait whose outcome is not known; the moments of the tests are before its effect.
    const isUnknown = run.required_action?.type === 'unknown_outcome';
    const decisions = items.map((item) =>
      isUnknown
        ? { call_id: item.call_id, decision: 'retry' }
        : decisionOf(item.call_id, each.decide?.(item) ?? { approve: true }),
    );
    const answer = await served.ask(`/runs/${runId}/decisions`, { decisions });
    if (answer.run_id === undefined) throw new Error(`The decision was refused: ${JSON.stringify(answer)}`);
  }
}

function endingOf({ status, output, response, error }: Run): Ending {
  if (status !== 'completed') return { error: error?.code ?? status };
  return { output: output ?? response };
}
