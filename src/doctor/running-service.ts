import { type Clock, systemClock } from '../platform/clock.ts';
import { networkReason } from '../platform/network-reason.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { networkRemedy } from './network-remedy.ts';

/** The service to check, and whether to make a run. */
export type ServiceCheckOptions = {
  /** The base URL, such as `http://agent-service:8000`. */
  url: string;
  /** Makes one run of the entry agent, with this key; null for no run. */
  run: { apiKey: string | undefined; timeoutMs: number } | null;
  /** Measures latency. Defaults to the system clock. */
  clock?: Pick<Clock, 'monotonicMs'>;
};

type Answer = { status: number; tookMs: number; body: Record<string, unknown> };
type RequestResult = Answer | { unreachable: string };

/** The time limit of all requests but the run, in ms. */
const probeMs = 5_000;
const message = 'Answer with the word OK.';

/** Checks a running service over HTTP. Never throws. */
export async function checkRunningService(options: ServiceCheckOptions): Promise<Finding[]> {
  const { url, run, clock = systemClock } = options;
  const base = url.replace(/\/+$/, '');
  const health = await request(`${base}/healthz`, probeMs, clock);
  if ('unreachable' in health) {
    const found = `The service at ${base} cannot be reached: ${health.unreachable}.`;
    const why = 'The service cannot be reached, see above.';
    return [
      failed('service-health', found, networkRemedy(health.unreachable), { reason: health.unreachable }),
      skipped('service-readiness', why),
      ...(run === null ? [] : [skipped('service-run', why)]),
    ];
  }
  const findings = [assessHealth(health, base), assessReadiness(await request(`${base}/readyz`, probeMs, clock))];
  if (run === null) return findings;
  const answer = await request(`${base}/api/v1/run`, run.timeoutMs, clock, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(run.apiKey === undefined ? {} : { authorization: `Bearer ${run.apiKey}` }),
    },
    body: JSON.stringify({ message, metadata: { source: 'agent-service doctor' } }),
  });
  return [...findings, assessRun(answer, run.apiKey !== undefined)];
}

async function request(
  url: string,
  limitMs: number,
  clock: Pick<Clock, 'monotonicMs'>,
  init: RequestInit = {},
): Promise<RequestResult> {
  const startMs = clock.monotonicMs();
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(limitMs) });
    const text = await response.text();
    return { status: response.status, tookMs: clock.monotonicMs() - startMs, body: parseObject(text) };
  } catch (error) {
    return { unreachable: networkReason(error) };
  }
}

/** Parses a JSON object; an empty one for any other text. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The problem in an answer: the detail of its problem document, or its status. */
const problemOf = ({ status, body }: Answer): string =>
  typeof body.detail === 'string' ? `${status} ${body.detail}` : `status ${status}`;

function assessHealth(answer: Answer, base: string): Finding {
  const details = { status: answer.status, latency_ms: Math.round(answer.tookMs) };
  if (answer.status === 200 && answer.body.status === 'healthy') {
    return ok('service-health', `${base} is healthy and answers in ${details.latency_ms} ms.`, details);
  }
  const found = `${base}/healthz answers ${problemOf(answer)}.`;
  return failed('service-health', found, 'Check the address: it has to lead to the service, path included.', details);
}

function assessReadiness(answer: RequestResult): Finding {
  const remedy = 'Run `agent-service doctor` with the settings of the service, and read its log.';
  if ('unreachable' in answer) return failed('service-readiness', `/readyz: ${answer.unreachable}.`, remedy);
  const details = { status: answer.status };
  if (answer.status !== 200) return failed('service-readiness', `/readyz: ${problemOf(answer)}`, remedy, details);
  if (answer.body.status === 'ready') return ok('service-readiness', 'It is ready.', details);
  return warning('service-readiness', `It is degraded: ${String(answer.body.reason)}.`, remedy, details);
}

function assessRun(answer: RequestResult, hasKey: boolean): Finding {
  if ('unreachable' in answer) {
    const found = `The run got no answer: ${answer.unreachable}.`;
    const remedy = 'Let whatever stands between wait for as long as a run may take (OPENAI_TIMEOUT).';
    return failed('service-run', found, remedy, { reason: answer.unreachable });
  }
  const { status, body } = answer;
  const details = {
    status,
    run_id: typeof body.run_id === 'string' ? body.run_id : null,
    took_ms: Math.round(answer.tookMs),
    tokens: typeof body.tokens_used === 'number' ? body.tokens_used : null,
  };
  if (status === 200 && body.status === 'completed') {
    const found = `${details.run_id} of agent ${String(body.agent)} completed in ${details.took_ms} ms, ${details.tokens} tokens`;
    if (body.simulated !== true) return ok('service-run', `${found}.`, details);
    return warning('service-run', `${found}, by a simulated model.`, 'Set OPENAI_API_KEY for a real one.', details);
  }
  if (status === 202) {
    const found = `${details.run_id} waits for a person.`;
    return warning('service-run', found, `Decide or cancel it: /api/v1/runs/${details.run_id}.`, details);
  }
  const found = `The run is answered ${problemOf(answer)}`;
  if (status === 401) {
    const remedy = hasKey
      ? 'Set ADMIN_API_KEY to the one of the service.'
      : 'Set ADMIN_API_KEY to the key of the service.';
    return failed('service-run', found, remedy, details);
  }
  return failed(
    'service-run',
    found,
    `Look for ${details.run_id ?? 'the request'} in the log of the service.`,
    details,
  );
}
