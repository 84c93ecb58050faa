import type { ClientDeps } from './client-deps.ts';
import { type PlannedRun, pathOf } from './plan.ts';
import type { LoadRun, Violation } from './report.ts';
import { asJson } from './run-on-the-wire.ts';
import type { Viewer } from './viewer.ts';

/** The part of a client that creates runs. */
export function createRunCreation({ sender, report, onEvent, signal }: ClientDeps, violated: Violation) {
  const ask =
    ({ body, idempotencyKey, ...planned }: PlannedRun) =>
    (url: string) =>
      fetch(url + pathOf({ body, idempotencyKey, ...planned }), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: JSON.stringify(body),
        signal,
      });

  /** Reads the stream that came with the run's creation; the id is known from its first event on. */
  async function watchCreation(run: LoadRun, viewer: Viewer, response: Response): Promise<true | undefined> {
    const broken = await viewer
      .read(response, (event) => {
        run.runId = event.run_id;
        onEvent(event);
      })
      .catch((error: unknown) => error);
    if (run.runId === null && broken) throw broken;
    if (broken) report.drops += 1;
    return run.runId === null ? undefined : true;
  }

  async function takeAnswer(run: LoadRun, response: Response): Promise<true> {
    const { run_id, status, response: text } = await asJson(response);
    run.runId = run_id;
    if (run.planned.kind !== 'blocking') return true;
    const expected = response.status === 200 ? 'completed' : 'requires_action';
    if (status !== expected) violated(run, `an answer ${response.status} has a run that is ${status}`);
    if (response.status === 200 && text !== run.planned.answer)
      violated(run, `it was answered ${JSON.stringify(text)}`);
    return true;
  }

  /** Has the run made; what was sent before and got lost is sent again, with the same key. */
  async function create(run: LoadRun, viewer: Viewer): Promise<void> {
    const { planned } = run;
    const purpose = { run: planned.number, request: 'create' } as const;
    const isStream = planned.kind === 'stream';
    const sent = await sender.send(purpose, {
      request: ask(planned),
      wanted: isStream ? [200] : [200, 202],
      take: (response) => (isStream ? watchCreation(run, viewer, response) : takeAnswer(run, response)),
    });
    // A problem that names the run is the end of this request, not of the run.
    if ('refusal' in sent) run.runId = sent.refusal.run_id ?? null;
  }

  return { create };
}
