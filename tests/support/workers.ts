import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import pg from 'pg';
import type { LogLine, ServiceUnderTest } from './service.ts';

/** A worker of a service, as its log says. */
export type WorkerUnderTest = { worker: number; pid: number };

const hasStarted = ({ msg }: LogLine) => msg === 'worker started';

type JsonBody = Record<string, unknown>;

/** The workers that have started so far, those that have ended included, in that order. */
export const startedWorkers = (service: ServiceUnderTest): WorkerUnderTest[] =>
  service.logLines().filter(hasStarted) as unknown as WorkerUnderTest[];

/** For all that the log says, the latest worker of each number. */
export const latestWorkers = (service: ServiceUnderTest): WorkerUnderTest[] => [
  ...new Map(startedWorkers(service).map((each) => [each.worker, each])).values(),
];

/** Waits until so many workers have started, those that have ended included. */
export async function untilStarted(service: ServiceUnderTest, count: number): Promise<WorkerUnderTest[]> {
  await service.logged((line) => hasStarted(line) && startedWorkers(service).length >= count);
  return startedWorkers(service).slice(0, count);
}

/**
 * Sends a request over a connection of its own: workers are given connections in turn, and one that is kept may lead to
 * a worker that has ended. Posts where there is a body.
 */
export async function requestAlone(url: string, body?: unknown): Promise<{ status: number; body: JsonBody }> {
  const method = body === undefined ? 'GET' : 'POST';
  const sent = request(url, { agent: false, method, headers: { 'content-type': 'application/json' } });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: (await json(response)) as JsonBody };
}

/** The process that executes a run. */
export async function executingPid(databaseUrl: string, runId: unknown): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const text = 'select pid from runs join processes on owner_id = processes.id where runs.id = $1';
    return (await client.query(text, [runId])).rows[0].pid;
  } finally {
    await client.end();
  }
}

/** The sum of a figure's samples: over all labels, or those of `name{label="value"}`. */
export async function figure(service: ServiceUnderTest, name: string): Promise<number> {
  const text = await (await fetch(`${service.probeUrl}/metrics`)).text();
  const samples = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
