import type { ServiceUnderTest } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

/** How a run is started. */
export type Kind = 'blocking' | 'stream' | 'background';
const kinds: Kind[] = ['blocking', 'stream', 'background'];

/** The result of one run, as its client and the service report it. */
export type ChaosRun = {
  phase: string;
  kind: Kind;
  runId: string | null;
  status: string;
  /** The code of its error; empty if it has none. */
  code: string;
  /** From receipt to its end, as the service measures it, in ms. */
  tookMs: number;
  /** Descriptions of what no client may see. */
  violations: string[];
};

type RunView = {
  run_id: string;
  status: string;
  response: string | null;
  error: { code: string } | null;
  timings: { total_ms: number | null };
};

const paths = { blocking: '/api/v1/run', stream: '/api/v1/run/stream', background: '/api/v1/runs' };
/** The codes with which a run may fail because of a provider. */
const expectedCodes = ['provider_unavailable', 'provider_error', 'run_timed_out'];

const answerOf = (number: number) => `answer ${number} begins here and goes on and on until it ends with ${number}`;

/** All events of a run: its stream is read until the run has ended. */
async function readAllEvents(service: ServiceUnderTest, runId: string) {
  const response = await fetch(`${service.url}/api/v1/runs/${runId}/events`);
  return readEvents(response).all();
}

/** Starts one run, reads its events to the end, and compares the answer with what the service stores. */
async function startRun(service: ServiceUnderTest, number: number, phase: string): Promise<ChaosRun> {
  const kind = kinds[number % kinds.length] as Kind;
  const answer = answerOf(number);
  const run: ChaosRun = { phase, kind, runId: null, status: 'lost', code: '', tookMs: 0, violations: [] };
  const response = await fetch(service.url + paths[kind], {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: `[[text ${answer}]]` }),
  });
  if (kind === 'stream') run.runId = ((await readEvents(response).next())?.data.run_id as string | undefined) ?? null;
  else run.runId = ((await response.json()) as { run_id?: string }).run_id ?? null;
  if (run.runId === null) {
    run.violations.push(`run ${number} was answered ${response.status} without an id`);
    return run;
  }
  const events = await readAllEvents(service, run.runId);
  const view = (await service.get(`/api/v1/runs/${run.runId}`)).body as RunView;
  Object.assign(run, { status: view.status, code: view.error?.code ?? '', tookMs: view.timings.total_ms ?? 0 });
  const expectTrue = (holds: boolean, violation: string) =>
    void (holds || run.violations.push(`run ${number}: ${violation}`));
  if (view.status === 'completed') {
    expectTrue(view.response === answer, `its answer is ${JSON.stringify(view.response)}`);
    expectTrue(textOf(events) === answer, `its viewers have ${JSON.stringify(textOf(events))}`);
    if (kind === 'blocking') expectTrue(response.status === 200, `it was answered ${response.status}`);
  } else {
    expectTrue(expectedCodes.includes(run.code), `it is ${view.status} with ${run.code}`);
    expectTrue(view.response === null, 'it has failed, and has an answer');
    if (kind === 'blocking')
      expectTrue([502, 503, 504].includes(response.status), `it was answered ${response.status}`);
  }
  return run;
}

/** A behaviour of a provider for some time. */
export type Phase = {
  name: string;
  begin(): Promise<void>;
  /** Whether enough requests have reached the provider in this phase. */
  isCovered(): Promise<boolean>;
};

/** A phase that is not covered ends after this many times `runsPerPhase`. */
const phaseLengthMax = 25;

/** Runs the phases one after the other, under clients that start runs without a pause. Each phase lasts for `runsPerPhase` runs, and until it is covered. */
export async function playPhases(
  services: readonly ServiceUnderTest[],
  phases: readonly Phase[],
  { clients, runsPerPhase }: { clients: number; runsPerPhase: number },
): Promise<ChaosRun[]> {
  const all: ChaosRun[] = [];
  let number = 0;
  for (const { name, begin, isCovered } of phases) {
    await begin();
    let begun = 0;
    const continues = async () =>
      begun < runsPerPhase || (begun < runsPerPhase * phaseLengthMax && !(await isCovered()));
    const client = async (index: number) => {
      while (await continues()) {
        begun += 1;
        number += 1;
        all.push(await startRun(services[index % services.length] as ServiceUnderTest, number, name));
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  }
  return all;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Failed runs and the durations of runs, by phase. */
export function summarize(runs: readonly ChaosRun[]) {
  return [...new Set(runs.map(({ phase }) => phase))].map((phase) => {
    const ofPhase = runs.filter((run) => run.phase === phase);
    const failed = ofPhase.filter(({ status }) => status !== 'completed');
    return {
      phase,
      runs: ofPhase.length,
      failed: failed.length,
      codes: [...new Set(failed.map(({ code }) => code))],
      medianMs: median(ofPhase.map(({ tookMs }) => tookMs)),
      maxMs: Math.max(...ofPhase.map(({ tookMs }) => tookMs)),
    };
  });
}

/** The sums of a process's metrics of attempts and retries, by provider. */
export async function countAttempts(service: ServiceUnderTest) {
  const text = await (await fetch(`${service.probeUrl}/metrics`)).text();
  const sums: Record<string, { attempts: number; retries: number }> = {};
  for (const [, counter = '', provider = '', value] of text.matchAll(
    /^agent_service_provider_(attempts|retries)_total\{provider="([^"]+)"[^}]*\} (\d+)/gm,
  )) {
    const sum = sums[provider] ?? { attempts: 0, retries: 0 };
    sum[counter as 'attempts' | 'retries'] += Number(value);
    sums[provider] = sum;
  }
  return sums;
}
