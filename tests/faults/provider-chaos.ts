import type { ServiceUnderTest } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

/** How a run is asked for. */
export type Kind = 'blocking' | 'stream' | 'background';
const kinds: Kind[] = ['blocking', 'stream', 'background'];

/** What became of one run, as its client and the service say. */
export type ChaosRun = {
  phase: string;
  kind: Kind;
  runId: string | null;
  status: string;
  /** The code of its error; empty for none. */
  code: string;
  /** From receipt to its end, as the service measured it, in ms. */
  tookMs: number;
  /** What no client should see; in words. */
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
/** How a run may fail because of a provider. */
const honest = ['provider_unavailable', 'provider_error', 'run_timed_out'];

const answerOf = (number: number) => `answer ${number} begins here and goes on and on until it ends with ${number}`;

/** The run's last word, from its stream: events are read until it has come to its end. */
async function follow(service: ServiceUnderTest, runId: string) {
  const response = await fetch(`${service.url}/api/v1/runs/${runId}/events`);
  return readEvents(response).all();
}

/** Asks for one run, follows it to its end, and compares the events with what the service stores. */
async function askFor(service: ServiceUnderTest, number: number, phase: string): Promise<ChaosRun> {
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
  const events = await follow(service, run.runId);
  const view = (await service.get(`/api/v1/runs/${run.runId}`)).body as RunView;
  Object.assign(run, { status: view.status, code: view.error?.code ?? '', tookMs: view.timings.total_ms ?? 0 });
  const expectTrue = (holds: boolean, what: string) => void (holds || run.violations.push(`run ${number}: ${what}`));
  if (view.status === 'completed') {
    expectTrue(view.response === answer, `its answer is ${JSON.stringify(view.response)}`);
    expectTrue(textOf(events) === answer, `its viewers were left with ${JSON.stringify(textOf(events))}`);
    if (kind === 'blocking') expectTrue(response.status === 200, `it was answered ${response.status}`);
  } else {
    expectTrue(honest.includes(run.code), `it is ${view.status} with ${run.code}`);
    expectTrue(view.response === null, 'it has failed, and has an answer');
    if (kind === 'blocking')
      expectTrue([502, 503, 504].includes(response.status), `it was answered ${response.status}`);
  }
  return run;
}

/** What goes on with a provider for a while. */
export type Phase = {
  name: string;
  begin(): Promise<void>;
  /** Whether enough requests have met it. */
  isMet(): Promise<boolean>;
};

/** A phase that meets no call lasts for so many times as many runs, and no longer. */
const phaseLengthMax = 25;

/** Clients that ask without a pause while one phase follows the other; each lasts for so many runs, and until it is met. */
export async function playPhases(
  services: readonly ServiceUnderTest[],
  phases: readonly Phase[],
  { clients, runsPerPhase }: { clients: number; runsPerPhase: number },
): Promise<ChaosRun[]> {
  const all: ChaosRun[] = [];
  let number = 0;
  for (const { name, begin, isMet } of phases) {
    await begin();
    let begun = 0;
    const goesOn = async () => begun < runsPerPhase || (begun < runsPerPhase * phaseLengthMax && !(await isMet()));
    const client = async (index: number) => {
      while (await goesOn()) {
        begun += 1;
        number += 1;
        all.push(await askFor(services[index % services.length] as ServiceUnderTest, number, name));
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  }
  return all;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The share of failed runs and the time that runs took, by phase. */
export function figuresOf(runs: readonly ChaosRun[]) {
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

/** The sums of a process's figures about providers, by provider. */
export async function countAttempts(service: ServiceUnderTest) {
  const text = await (await fetch(`${service.probeUrl}/metrics`)).text();
  const sums: Record<string, { attempts: number; retries: number }> = {};
  for (const [, what = '', provider = '', value] of text.matchAll(
    /^agent_service_provider_(attempts|retries)_total\{provider="([^"]+)"[^}]*\} (\d+)/gm,
  )) {
    const sum = sums[provider] ?? { attempts: 0, retries: 0 };
    sum[what as 'attempts' | 'retries'] += Number(value);
    sums[provider] = sum;
  }
  return sums;
}
