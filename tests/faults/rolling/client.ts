import { problemIn } from '../../support/load/honest-error.ts';
import { pathOf } from '../../support/load/plan.ts';
import type { LoadRun, SeenEvent } from '../../support/load/report.ts';
import { createViewer, type Viewer } from '../../support/load/viewer.ts';
import type { Call, Caller, Tally } from './caller.ts';
import type { RollingRun } from './plan.ts';

/** How often a client asks for one thing again: for a run after a failure, for its events after a stream has closed. */
const roundsMax = 200;

/** What a client works with. */
export type ClientDeps = {
  caller: Caller;
  tally: Tally;
  /** Called with every event that the client receives. */
  onEvent(event: SeenEvent): void;
  /** What no client should see, in words. */
  violated(what: string): void;
  /** Waits until it makes sense to ask again after a failure. */
  beforeAgain(): Promise<void>;
};

const kinds = { blocking: 'blocking run', stream: 'stream', background: 'background run' } as const;
const wanted = { blocking: [200, 202], stream: [200], background: [202] };

/** A client that brings runs to their end, and approves of all that waits for a person. */
export function createClient({ caller, tally, onEvent, violated, beforeAgain }: ClientDeps) {
  const creation = ({ kind, body, idempotencyKey, ...planned }: RollingRun): Call => ({
    request: kinds[kind],
    path: pathOf({ kind, body, idempotencyKey, ...planned }),
    body,
    headers: { 'idempotency-key': idempotencyKey },
    wanted: wanted[kind],
    // The one answer 5xx that is promised: to the caller of a run that does not end within the grace.
    isPromised: (status, text) =>
      kind === 'blocking' && planned.shape === 'long' && status === 503 && isHandedBack(problemIn(text)),
  });

  const isHandedBack = ({ code, run_id }: { code?: string; run_id?: string }) =>
    code === 'shutting_down' && run_id !== undefined;

  async function createAndWait(run: LoadRun, call: Call): Promise<boolean> {
    const reply = await caller.ask(call);
    if (!reply) return false;
    const { run_id, status, response } = JSON.parse(reply.body) as Record<string, string>;
    run.runId = run_id ?? null;
    if (reply.status === 503) tally.cut += 1;
    if (reply.status === 200 && status !== 'completed') violated(`an answer 200 has a run that is ${status}`);
    if (reply.status === 200 && response !== run.planned.answer) violated(`run ${run_id} was answered ${response}`);
    return reply.status !== 503; // the same key finds the answer, wherever the run goes on
  }

  const createAndRead = (run: LoadRun, call: Call, viewer: Viewer) =>
    caller.stream(call, (response) =>
      viewer.read(response, (event) => {
        run.runId = event.run_id;
        onEvent(event);
      }),
    );

  /** Has the run made. Whatever failed before, the same key makes no second one. */
  async function create(run: LoadRun, planned: RollingRun, viewer: Viewer): Promise<void> {
    const call = creation(planned);
    for (let round = 0; round < roundsMax; round += 1) {
      if (round > 0) await beforeAgain();
      const isStream = planned.kind === 'stream';
      const done = isStream ? await createAndRead(run, call, viewer) : await createAndWait(run, call);
      if (done || (isStream && run.runId !== null)) return;
    }
    violated(`run ${planned.number} could not be made`);
  }

  /** Approves until the approval is known to be stored. After a failure a 409 may come from this client's own first attempt. */
  async function decide({ runId }: LoadRun, { required_action }: SeenEvent): Promise<void> {
    const { items } = required_action as { items: { call_id: string }[] };
    const body = { decisions: items.map(({ call_id }) => ({ call_id, decision: 'approve' })) };
    const call = { request: 'decision' as const, path: `/api/v1/runs/${runId}/decisions`, body };
    let reply = await caller.ask({ ...call, wanted: [200] });
    for (let round = 1; reply === null && round < roundsMax; round += 1) {
      await beforeAgain();
      reply = await caller.ask({ ...call, wanted: [200, 409] });
    }
  }

  const poll = (path: string) => caller.ask({ request: 'poll', path, wanted: [200] });

  /** Reads on after the last event seen. */
  const follow = (run: LoadRun, viewer: Viewer) =>
    caller.stream(
      {
        request: 'follow',
        path: `/api/v1/runs/${run.runId}/events`,
        headers: { accept: 'text/event-stream', 'last-event-id': `${viewer.lastSeq()}` },
        wanted: [200],
      },
      (response) => viewer.read(response, onEvent),
    );

  async function followToTheEnd(run: LoadRun, viewer: Viewer): Promise<void> {
    let decided = 0;
    for (let round = 0; round < roundsMax && !viewer.final(); round += 1) {
      const last = viewer.seen.at(-1);
      const waits = last !== undefined && viewer.waits() && last.seq > decided;
      if (waits) {
        await decide(run, last);
        decided = last.seq;
      } else if (last) tally.resumed += 1;
      if (!(await follow(run, viewer))) await beforeAgain();
    }
    if (!viewer.final()) violated(`the end of run ${run.runId} was never seen`);
  }

  return {
    /** Brings a run to its end, and follows it from its first event to its last. */
    async carryOut(planned: RollingRun): Promise<LoadRun> {
      const viewer = createViewer(`the client of run ${planned.number}:`, violated);
      const run: LoadRun = { planned, runId: null, status: null, response: null, views: [viewer.seen], decisions: [] };
      await create(run, planned, viewer);
      if (run.runId !== null) await followToTheEnd(run, viewer);
      const { response = null, status = null } = (viewer.final()?.run ?? {}) as Pick<LoadRun, 'response' | 'status'>;
      if (viewer.final() && viewer.text() !== planned.answer)
        violated(`run ${run.runId} showed ${JSON.stringify(viewer.text())}`);
      return Object.assign(run, { status, response });
    },

    /** Looks at a run, and at the newest ones. */
    async poll(runId: string): Promise<void> {
      await poll(`/api/v1/runs/${runId}`);
      await poll('/api/v1/runs?limit=5');
    },
  };
}

/** A client that brings runs to their end. */
export type Client = ReturnType<typeof createClient>;
