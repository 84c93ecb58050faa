/**
 * Asks real model servers through the service: `npm run test:servers -- [name …] [--ci] [--record] [--outcomes]`.
 * Ends with 1 if a run ends otherwise than it should and nothing is known of the server that explains it.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { endProcesses } from '../support/child-processes.ts';
import { startService } from '../support/service.ts';
import { type Capture, capturePath, readCaptures, writeCapture } from './capture.ts';
import type { RunningServer, ServedApi, ServerDefinition } from './definition.ts';
import { servers } from './definitions.ts';
import { cacheFolder, installModel } from './install.ts';
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';
import { replay } from './replay.ts';
import { lineOf, type Row, tableOf } from './report.ts';
import { callerKey, type Scenario, scenarios } from './scenarios.ts';

/** Longer than any answer takes on a slow machine, in seconds. */
const timeoutSeconds = 300;

/** How many model calls of a run a capture has; a run that goes round in circles has more. */
const exchangesMax = 3;

const say = (line: string) => void process.stdout.write(`${line}\n`);

// tidy: timed because the report tells how long installing and asking takes; nothing is asserted about it
const nowMs = () => performance.now();
const secondsSince = (startMs: number) => `${((nowMs() - startMs) / 1000).toFixed(1)} s`;

type Options = { record: boolean; only: string | undefined };

const environmentFor = (proxy: RecordingProxy, api: ServedApi, key: string) => ({
  APP_ENV: 'production',
  OPENAI_BASE_URL: proxy.baseUrl,
  OPENAI_API: api,
  OPENAI_MODEL: 'local',
  OPENAI_API_KEY: key,
  OPENAI_TIMEOUT: String(timeoutSeconds),
  ADMIN_API_KEY: callerKey,
});

/** Stores what a server sent, with what the client makes of it. */
async function record(server: ServerDefinition, row: Row, api: ServedApi): Promise<void> {
  const exchanges: Capture['exchanges'] = [];
  for (const exchange of row.exchanges.slice(0, exchangesMax)) {
    exchanges.push({ ...exchange, outcome: await replay(api, exchange, 'as captured') });
  }
  const head = { server: server.name, version: server.version, api, scenario: row.scenario };
  const date = new Date().toISOString().slice(0, 10);
  writeCapture({ path: capturePath(head), capture: { ...head, date, exchanges } });
}

/** Runs scenarios of one API with one key of the server. */
async function askOver(
  server: ServerDefinition,
  proxy: RecordingProxy,
  api: ServedApi,
  wanted: readonly Scenario[],
  { record: isRecorded }: Options,
): Promise<Row[]> {
  const key = wanted[0]?.wrongKey ? 'sk-no-such-key-0000' : (server.apiKey ?? 'sk-local-model-0000');
  const env = environmentFor(proxy, api, key);
  await using service = await startService({ app: 'tests/servers/agents.ts', env });
  const rows: Row[] = [];
  for (const { name, run, isRight } of wanted) {
    proxy.take();
    const result = await run(service);
    const exchanges = proxy.take();
    const limit = server.limits?.[`${api}/${name}`];
    const row: Row = {
      ...{ server: `${server.name} ${server.version}`, api, scenario: name, result, limit },
      ...{ exchanges, isRight: isRight(result, exchanges.length) },
    };
    rows.push(row);
    say(lineOf(row));
    if (!row.isRight) say(`    ${JSON.stringify(result)}`);
    if (isRecorded) await record(server, row, api);
  }
  return rows;
}

async function ask(server: ServerDefinition, running: RunningServer, options: Options): Promise<Row[]> {
  await using proxy = await startRecordingProxy(running.baseUrl);
  const wanted = scenarios.filter(({ name }) => options.only === undefined || options.only === name);
  const groups = [wanted.filter(({ wrongKey }) => !wrongKey)];
  if (server.apiKey !== undefined) groups.push(wanted.filter(({ wrongKey }) => wrongKey));
  const rows: Row[] = [];
  for (const api of server.apis) {
    for (const group of groups) if (group.length > 0) rows.push(...(await askOver(server, proxy, api, group, options)));
  }
  return rows;
}

/** Installs, starts and asks a server; says why where that cannot be done here. */
async function tryServer(server: ServerDefinition, folder: string, options: Options): Promise<Row[] | null> {
  const title = `${server.name} ${server.version}`;
  let startMs = nowMs();
  try {
    await installModel(folder);
    await server.install(folder);
    say(`${title}: installed (${secondsSince(startMs)})`);
  } catch (error) {
    say(`${title}: skipped, it cannot be installed here: ${(error as Error).message.slice(0, 1_000)}`);
    return null;
  }
  startMs = nowMs();
  await using running = await server.start(folder);
  say(`${title}: started (${secondsSince(startMs)})`);
  startMs = nowMs();
  const rows = await ask(server, running, options);
  say(`${title}: asked (${secondsSince(startMs)})`);
  return rows;
}

/** Writes into the captures what the client makes of them now; git shows what has changed. */
async function renewOutcomes(): Promise<void> {
  for (const { path, capture } of readCaptures()) {
    for (const exchange of capture.exchanges) exchange.outcome = await replay(capture.api, exchange, 'as captured');
    writeCapture({ path, capture });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ci: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      outcomes: { type: 'boolean', default: false },
      scenario: { type: 'string' },
    },
  });
  if (values.outcomes) return renewOutcomes();
  const unknown = positionals.filter((name) => !servers.some((server) => server.name === name));
  if (unknown.length > 0) throw new Error(`No server is called ${unknown.join(', ')}.`);
  const folder = cacheFolder(process.env);
  say(existsSync(folder) ? `servers in ${folder}` : `installing servers into ${folder}`);
  const wanted = servers.filter(({ name, isQuick }) =>
    positionals.length > 0 ? positionals.includes(name) : isQuick || !values.ci,
  );
  const rows: Row[] = [];
  for (const server of wanted) {
    rows.push(...((await tryServer(server, folder, { record: values.record, only: values.scenario })) ?? []));
  }
  say(`\n${tableOf(rows)}`);
  const wrong = rows.filter(({ isRight, limit }) => !isRight && limit === undefined);
  say(`\n${rows.length} runs, ${wrong.length} wrong`);
  if (wrong.length > 0) process.exitCode = 1;
}

try {
  await main();
} finally {
  await endProcesses();
}
