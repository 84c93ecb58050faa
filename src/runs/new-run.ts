import type { Ids } from '../platform/ids.ts';
import { detachData, type NewRun, type Run, type RunMode, type Webhook } from '../storage/port/index.ts';
import { idempotencyFingerprint } from './idempotency-fingerprint.ts';
import { toRunInput } from './input/to-items.ts';
import type { Lease } from './recovery/process-lease.ts';
import { toRunOptions } from './run-options.ts';
import {
  agentOf,
  type Caller,
  type CreateRun,
  continuesSession,
  type RequestRules,
  timeoutMsOf,
} from './run-request.ts';

/** How long a pair of idempotency key and run is stored, in ms. */
const idempotencyTtlMs = 24 * 3_600_000;

/** Dependencies of the records of new runs. */
export type NewRunDeps = RequestRules & {
  ids: Ids;
  settings: { runTimeoutMs: number; backgroundTimeoutMs: number; simulated: boolean };
  lease: Pick<Lease, 'processId'>;
  versions: { app: string; sdk: string };
  /** Returns the webhook of a run in the form that is stored; throws if the service does not accept it. */
  acceptWebhook(webhook: Webhook): Webhook;
};

/** The record of a run to be created, from its request. `waitedMs` is the time that the caller waited for a slot. */
export function toNewRun(
  { agents, continueWith, ids, settings, lease, versions, acceptWebhook }: NewRunDeps,
  request: CreateRun,
  { tenantId, requestId, idempotencyKey: key, spender, include }: Caller,
  mode: RunMode,
  waitedMs: number,
): NewRun {
  const agent = agentOf(request, agents);
  const { input, data: inputData } = detachData(toRunInput(request));
  return {
    id: ids('run'),
    tenantId,
    requestId,
    sessionId: request.session_id ?? null,
    agent,
    input,
    inputData,
    metadata: (request.metadata ?? {}) as Run['metadata'],
    options: toRunOptions(request, include),
    continues: continuesSession(request, continueWith),
    timeoutMs: timeoutMsOf(request, mode, settings),
    priority: request.priority ?? 0,
    runAtMs: request.run_at === undefined ? null : Date.parse(request.run_at),
    simulated: settings.simulated,
    ownerId: lease.processId(),
    appVersion: versions.app,
    sdkVersion: versions.sdk,
    budgetKeyId: spender.key?.id ?? null,
    idempotency:
      key === undefined ? null : { key, fingerprint: idempotencyFingerprint(request), ttlMs: idempotencyTtlMs },
    webhook: request.webhook && acceptWebhook(request.webhook),
    started: { agent },
    mode,
    waitedMs,
  };
}
