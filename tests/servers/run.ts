/**
 * Asks real model servers through the service: `npm run test:servers -- [name …] [--record] [--outcomes] [--install]`.
 * Ends with 1 if a server fails, or a run ends otherwise than it should and nothing is known of the server that explains it.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { endProcesses } from '../support/child-processes.ts';
import { scenariosFor, startAsking } from './asking.ts';
import { type Capture, capturePath, readCaptures, writeCapture } from './capture.ts';
import type { ServedApi, ServerDefinition } from './definition.ts';
import { servers } from './definitions.ts';
import { cacheFolder, NotFetchedError } from './install.ts';
import { replay } from './replay.ts';
import { lineOf, type Row, tableOf } from './report.ts';
import { scenarios } from './scenarios.ts';

/** Servers that are compiled here are slow, above all on a busy machine. */
const limits = { callSeconds: 600, scenarioMs: 1_200_000 };

/** How many model calls of a run a capture has; a run that goes round in circles has more. */
const exchangesMax = 3;

const say = (line: string) => void process.stdout.write(`${line}\n`);

// tidy: timed because the report tells how long installing and asking takes; nothing is asserted about it
const nowMs = () => performance.now();
const secondsSince = (startMs: number) => `${((nowMs() - startMs) / 1000).toFixed(1)} s`;

type Options = { record: boolean; only: string | undefined };

/** Stores what a server sent, with what the client makes of it. */
async function record(server: ServerDefinition, row: Row, api: ServedApi): Promise<void> {
  const exchanges: Capture['exchanges'] = [];
  for (const exchange of row.exchanges.slice(0, exchangesMax)) {
    if (exchange.status === 0) continue; // no answer came
    exchanges.push({ ...exchange, outcome: await replay(api, exchange, 'as captured') });
  }
  if (exchanges.length === 0) return;
  const head = { server: server.name, version: server.version, api, scenario: row.scenario };
  const date = new Date().toISOString().slice(0, 10);
  writeCapture({ path: capturePath(head), capture: { ...head, date, exchanges } });
}

/** Installs, starts and asks a server. */
async function tryServer(server: ServerDefinition, folder: string, { record: isRecorded, only }: Options) {
  const title = `${server.name} ${server.version}`;
  let startMs = nowMs();
  await server.install(folder, say);
  say(`${title}: installed (${secondsSince(startMs)})`);
  startMs = nowMs();
  await using running = await server.start(folder);
  say(`${title}: started (${secondsSince(startMs)})`);
  startMs = nowMs();
  await using asking = await startAsking(server, running, limits);
  const rows: Row[] = [];
  const wanted = scenariosFor(server, scenarios).filter(({ name }) => only === undefined || only === name);
  for (const api of server.apis) {
    for (const scenario of wanted) {
      const row = await asking.ask(api, scenario);
      rows.push(row);
      say(lineOf(row));
      if (!row.isRight) say(`    ${JSON.stringify(row.result)}`);
      if (isRecorded) await record(server, row, api);
    }
  }
  say(`${title}: asked (${secondsSince(startMs)})`);
  return rows;
}

/** The results of a server; null where its packages cannot be had. One that cannot be tried otherwise is a failure. */
async function rowsOf(server: ServerDefinition, folder: string, options: Options): Promise<Row[] | null> {
  try {
    return await tryServer(server, folder, options);
  } catch (error) {
    const isSkipped = error instanceof NotFetchedError;
    if (!isSkipped) process.exitCode = 1;
    say(
      `${server.name} ${server.version}: ${isSkipped ? 'skipped, because of' : 'FAILED:'} ${(error as Error).message}`,
    );
    return null;
  }
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
      install: { type: 'boolean', default: false },
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
  const wanted = servers.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (values.install) {
    for (const server of wanted) await server.install(folder, say);
    return;
  }
  const rows: Row[] = [];
  let untried = 0;
  for (const server of wanted) {
    const ofServer = await rowsOf(server, folder, { record: values.record, only: values.scenario });
    rows.push(...(ofServer ?? []));
    if (ofServer === null) untried += 1;
  }
  say(`\n${tableOf(rows)}`);
  const wrong = rows.filter(({ isRight, limit }) => !isRight && limit === undefined);
  say(`\n${rows.length} runs, ${wrong.length} wrong, ${untried} servers not tried`);
  if (wrong.length > 0) process.exitCode = 1;
}

try {
  await main();
} finally {
  await endProcesses();
}
