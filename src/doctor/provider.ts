import type { Settings } from '../platform/settings/settings.ts';
import type { Exchange, ProviderFacts } from '../providers/index.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { networkRemedy } from './network-remedy.ts';

type Reached = Extract<Exchange, { reached: true }>;

/** Up to this share of a quota, the rest counts as low. */
const lowShare = 0.1;

/** The findings about the model provider. */
export function assessProvider({ models, call, proxy }: ProviderFacts, settings: Settings): Finding[] {
  const provider = assessModels(models, settings, proxy);
  if (call === null) {
    const why = 'The provider cannot be asked, see above.';
    return [provider, skipped('model', why), skipped('quota', why)];
  }
  return [provider, assessCall(call, settings), assessQuota(call)];
}

const rounded = (ms: number): number => Math.round(ms);
const withCode = ({ status, code }: Reached): string => (code === null ? `${status}` : `${status} ${code}`);

function unreachable(reason: string, at: string, proxy: string | undefined): Finding {
  const way = proxy === undefined ? '' : ` through the proxy ${proxy}`;
  const message = `The provider at ${at} (OPENAI_BASE_URL) cannot be reached${way}: ${reason}.`;
  const remedy =
    proxy === undefined
      ? networkRemedy(reason)
      : 'Check HTTP_PROXY and HTTPS_PROXY, or name the host in NO_PROXY if it is reached without a proxy.';
  return failed('provider', message, remedy, { reason });
}

function assessModels(models: Exchange, { openai }: Settings, proxy: string | undefined): Finding {
  const host = new URL(openai.baseUrl).host;
  if (!models.reached) return unreachable(models.reason, host, proxy);
  const at = proxy === undefined ? host : `${host}, through the proxy ${proxy},`;
  const { status } = models;
  const details = { status, latency_ms: rounded(models.tookMs) };
  const said = `The provider at ${at} answers ${withCode(models)} to GET /models`;
  if (status === 200) {
    return ok('provider', `${at} answers in ${rounded(models.tookMs)} ms and takes the key.`, details);
  }
  if (status === 401) {
    const found = openai.apiKey === undefined ? 'there is none' : 'it does not accept this one';
    return failed(
      'provider',
      `The provider at ${at} wants a key, and ${found} (401).`,
      'Set OPENAI_API_KEY to a valid key.',
      details,
    );
  }
  if (status === 403) {
    return failed('provider', `${said}.`, 'Give the key of OPENAI_API_KEY the right to list and use models.', details);
  }
  if (status === 429)
    return warning('provider', `${said}: too many requests.`, 'Look at the limits of the account.', details);
  if (status >= 500)
    return failed('provider', `${said}: it has trouble.`, "Look at the provider's status page.", details);
  return warning(
    'provider',
    `${said}, so that /readyz says degraded.`,
    'Check OPENAI_BASE_URL, which mostly ends in /v1.',
    details,
  );
}

function assessCall(call: Exchange, settings: Settings): Finding {
  const { model, api } = settings.openai;
  if (!call.reached) {
    const remedy =
      call.reason === 'timeout' ? 'Raise OPENAI_TIMEOUT, or choose a faster OPENAI_MODEL.' : networkRemedy(call.reason);
    return failed('model', `${model} does not answer: ${call.reason}.`, remedy, { reason: call.reason });
  }
  const { status, code } = call;
  const details = { model, status, code, latency_ms: rounded(call.tookMs) };
  const refused = (remedy: string) =>
    failed('model', `A call of ${model} is answered ${withCode(call)}.`, remedy, details);
  if (status === 200) {
    const answered = `${model} answered in ${rounded(call.tookMs)} ms`;
    if (call.tookMs <= settings.runTimeoutMs / 2) return ok('model', `${answered}.`, details);
    const remedy = 'Raise OPENAI_TIMEOUT, or choose a faster OPENAI_MODEL.';
    return warning('model', `${answered}, more than half of OPENAI_TIMEOUT for one word.`, remedy, details);
  }
  if (code === 'insufficient_quota')
    return refused("Pay the provider's bill or raise its budget: the quota is used up.");
  if (status === 401 || status === 403) return refused('Set OPENAI_API_KEY to a key that may use this model.');
  if (status === 429) {
    return warning(
      'model',
      `A call of ${model} is answered ${withCode(call)}.`,
      'Look at the limits of the account.',
      details,
    );
  }
  if (status >= 500) return refused("Look at the provider's status page.");
  const other = api === 'responses' ? 'chat_completions' : 'responses';
  return refused(
    `Set OPENAI_MODEL to a model that the provider has, or OPENAI_API to ${other} if it speaks only that.`,
  );
}

function assessQuota(call: Exchange): Finding {
  const quotas = call.reached ? call.quotas : [];
  if (quotas.length === 0) return skipped('quota', 'The provider sends no x-ratelimit headers.');
  const details = Object.fromEntries(
    quotas.flatMap(({ of, limit, remaining }) => [
      [`${of}_limit`, limit],
      [`${of}_remaining`, remaining],
    ]),
  );
  const grouped = (count: number) => count.toLocaleString('en-US');
  const left = quotas.map(({ of, limit, remaining }) => `${grouped(remaining)} of ${grouped(limit)} ${of}`).join(', ');
  if (quotas.every(({ limit, remaining }) => remaining > limit * lowShare))
    return ok('quota', `Left: ${left}.`, details);
  return warning(
    'quota',
    `Little is left: ${left}.`,
    "Have the provider's limits raised, or spread the load.",
    details,
  );
}
