import { type Clock, systemClock } from '../platform/clock.ts';
import { networkReason } from '../platform/network-reason.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { mendOfNetwork } from './network-mend.ts';

/** Which service is asked, and for what. */
export type ServiceCheckOptions = {
  /** Where it is, such as `http://agent-service:8000`. */
  url: string;
  /** One run of the entry agent, with this key; null: none is made. */
  run: { apiKey: string | undefined; timeoutMs: number } | null;
  /** For latency. Defaults to the machine's. */
  clock?: Pick<Clock, 'monotonicMs'>;
};

type Answer = { status: number; tookMs: number; body: Record<string, unknown> };
type Asked = Answer | { unreachable: string };

/** For everything but the run, in ms. */
const probeMs = 5_000;
const message = 'Answer with the word OK.';

/** Asks a running service how it is, over HTTP. Never throws. */
export async function checkRunningService(options: ServiceCheckOptions): Promise<Finding[]> {
  const { url, run, clock = systemClock } = options;
  const base = url.replace(/\/+$/, '');
  const health = await ask(`${base}/healthz`, probeMs, clock);
  if ('unreachable' in health) {
    const found = `The service at ${base} cannot be reached: ${health.unreachable}.`;
    const why = 'The service cannot be reached, see above.';
    return [
      failed('service-health', found, mendOfNetwork(health.unreachable), { reason: health.unreachable }),
      skipped('service-readiness', why),
      ...(run === null ? [] : [skipped('service-run', why)]),
    ];
  }
  const findings = [judgeHealth(health, base), judgeReadiness(await ask(`${base}/readyz`, probeMs, clock))];
  if (run === null) return findings;
  const answer = await ask(`${base}/api/v1/run`, run.timeoutMs, clock, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(run.apiKey === undefined ? {} : { authorization: `Bearer ${run.apiKey}` }),
    },
    body: JSON.stringify({ message, metadata: { source: 'agent-service doctor' } }),
  });
  return [...findings, judgeRun(answer, run.apiKey !== undefined)];
}

async function ask(
  url: string,
  limitMs: number,
  clock: Pick<Clock, 'monotonicMs'>,
  init: RequestInit = {},
): Promise<Asked> {
  const startMs = clock.monotonicMs();
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(limitMs) });
    const text = await response.text();
    return { status: response.status, tookMs: clock.monotonicMs() - startMs, body: parseObject(text) };
  } catch (error) {
    return { unreachable: networkReason(error) };
  }
}

/** A JSON object; an empty one in place of anything else. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** What an answer says is wrong: the sentence of its problem document, or its status. */
const problemOf = ({ status, body }: Answer): string =>
  typeof body.detail === 'string' ? `${status} ${body.detail}` : `status ${status}`;

function judgeHealth(answer: Answer, base: string): Finding {
  const figures = { status: answer.status, latency_ms: Math.round(answer.tookMs) };
  if (answer.status === 200 && answer.body.status === 'healthy') {
    return ok('service-health', `${base} is healthy and answers in ${figures.latency_ms} ms.`, figures);
  }
  const found = `${base}/healthz answers ${problemOf(answer)}.`;
  return failed('service-health', found, 'Check the address: it has to lead to the service, path included.', figures);
}

function judgeReadiness(answer: Asked): Finding {
  const mend = 'Run `agent-service doctor` with the settings of the service, and read its log.';
  if ('unreachable' in answer) return failed('service-readiness', `/readyz: ${answer.unreachable}.`, mend);
  const figures = { status: answer.status };
  if (answer.status !== 200) return failed('service-readiness', `/readyz: ${problemOf(answer)}`, mend, figures);
  if (answer.body.status === 'ready') return ok('service-readiness', 'It is ready.', figures);
  return warning('service-readiness', `It is degraded: ${String(answer.body.reason)}.`, mend, figures);
}

function judgeRun(answer: Asked, hasKey: boolean): Finding {
  if ('unreachable' in answer) {
    const found = `The run got no answer: ${answer.unreachable}.`;
    const mend = 'Let whatever stands between wait for as long as a run may take (OPENAI_TIMEOUT).';
    return failed('service-run', found, mend, { reason: answer.unreachable });
  }
  const { status, body } = answer;
  const figures = {
    status,
    run_id: typeof body.run_id === 'string' ? body.run_id : null,
    took_ms: Math.round(answer.tookMs),
    tokens: typeof body.tokens_used === 'number' ? body.tokens_used : null,
  };
  if (status === 200 && body.status === 'completed') {
    const found = `${figures.run_id} of agent ${String(body.agent)} completed in ${figures.took_ms} ms, ${figures.tokens} tokens`;
    if (body.simulated !== true) return ok('service-run', `${found}.`, figures);
    return warning('service-run', `${found}, by a simulated model.`, 'Set OPENAI_API_KEY for a real one.', figures);
  }
  if (status === 202) {
    const found = `${figures.run_id} waits for a person.`;
    return warning('service-run', found, `Decide or cancel it: /api/v1/runs/${figures.run_id}.`, figures);
  }
  const found = `The run is answered ${problemOf(answer)}`;
  if (status === 401) {
    const mend = hasKey
      ? 'Set ADMIN_API_KEY to the one of the service.'
      : 'Set ADMIN_API_KEY to the key of the service.';
    return failed('service-run', found, mend, figures);
  }
  return failed(
    'service-run',
    found,
    `Look for ${figures.run_id ?? 'the request'} in the log of the service.`,
    figures,
  );
}
