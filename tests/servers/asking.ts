/** Asks a running model server through the built service, and keeps what both send. */
import { type ServiceUnderTest, startService } from '../support/service.ts';
import type { RunningServer, ServedApi, ServerDefinition } from './definition.ts';
import { startRecordingProxy } from './recording-proxy.ts';
import type { Row } from './report.ts';
import { callerKey, type RunResult, type Scenario } from './scenarios.ts';

/** How long things may take. */
export type AskLimits = { callSeconds: number; scenarioMs: number };

/** In tests: almost a hundred times as long as anything takes on an idle machine. */
const testLimits: AskLimits = { callSeconds: 160, scenarioMs: 300_000 };

/** A server that is being asked. */
export type Asking = {
  /** What comes of a scenario. */
  ask(api: ServedApi, scenario: Scenario): Promise<Row>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Without a result, the scenario is wrong, and the next one is asked all the same. */
const noResult = (error: unknown): RunResult => ({
  httpStatus: 0,
  status: 'no result:',
  code: (error as Error).message,
  response: null,
  tokens: 0,
  tools: [],
  streamedText: null,
});

function resultOf({ run }: Scenario, service: ServiceUnderTest, limitMs: number): Promise<RunResult> {
  const limit = AbortSignal.timeout(limitMs);
  const late = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () => reject(new Error(`none in ${limitMs / 1000} s`)));
  });
  return Promise.race([run(service), late]).catch(noResult);
}

/** Whether the service has reasons to leave the server alone for a while: the next scenario would suffer from it. */
const hasFailed = ({ exchanges, result }: Row): boolean =>
  result.httpStatus === 0 || exchanges.some(({ status }) => status === 0 || status >= 500);

/** Prepares to ask a server. */
export async function startAsking(
  server: ServerDefinition,
  running: RunningServer,
  { callSeconds, scenarioMs } = testLimits,
): Promise<Asking> {
  const proxy = await startRecordingProxy(running.baseUrl);
  let current: { name: string; service: ServiceUnderTest } | null = null;

  async function stopService(): Promise<void> {
    await current?.service[Symbol.asyncDispose]();
    current = null;
  }

  /** The service over an API and with a key. */
  async function serviceFor(api: ServedApi, key: string): Promise<ServiceUnderTest> {
    const name = `${api} ${key}`;
    if (current?.name === name) return current.service;
    await stopService();
    const env = {
      APP_ENV: 'production',
      OPENAI_BASE_URL: proxy.baseUrl,
      OPENAI_API: api,
      OPENAI_MODEL: 'local',
      OPENAI_API_KEY: key,
      OPENAI_TIMEOUT: String(callSeconds),
      ADMIN_API_KEY: callerKey,
    };
    const service = await startService({ app: 'tests/servers/agents.ts', env });
    current = { name, service };
    return service;
  }

  return {
    async ask(api, scenario) {
      const key = scenario.wrongKey ? 'sk-no-such-key-0000' : (server.apiKey ?? 'sk-local-model-0000');
      const service = await serviceFor(api, key);
      proxy.take();
      const result = await resultOf(scenario, service, scenarioMs);
      const exchanges = proxy.take();
      const row: Row = {
        ...{ server: `${server.name} ${server.version}`, api, scenario: scenario.name, result, exchanges },
        limit: server.limits?.[`${api}/${scenario.name}`],
        isRight: result.httpStatus > 0 && scenario.isRight(result, exchanges.length),
      };
      if (hasFailed(row)) await stopService();
      return row;
    },
    async [Symbol.asyncDispose]() {
      await stopService();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

/** The scenarios that mean something on a server. */
export const scenariosFor = ({ apiKey }: ServerDefinition, all: readonly Scenario[]): Scenario[] =>
  all.filter(({ wrongKey }) => !wrongKey || apiKey !== undefined);
