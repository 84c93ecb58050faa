import { effectsIn } from '../effects-file.ts';
import { type PlannedRun, pathOf } from './plan.ts';
import type { Decided, LoadReport, LoadRun, SeenEvent } from './report.ts';
import type { Sender } from './sender.ts';
import { createViewer, sawTheSame, type Viewer } from './viewer.ts';

/** How often a run may stop for a person, or its stream may end before it does. */
const roundsMax = 500;
/** What `apps/fault-points.ts` answers from each of its tools. */
const toolAnswer = 'noted';

/** What a client works with. */
export type ClientDeps = {
  sender: Sender;
  report: Pick<LoadReport, 'violations' | 'errors' | 'drops'>;
  /** Where the tools write what they did. */
  effectsFile: string;
  onEvent(event: SeenEvent): void;
  signal: AbortSignal;
};

type RunOnTheWire = { run_id: string; status: string; response: string | null; error: unknown };
type WaitingItem = { call_id: string; tool: string };

const asJson = async (response: Response) => (await response.json()) as RunOnTheWire;

/** A client of a load: it brings one run after the other to its end, whatever becomes of the services. */
export function createClient({ sender, report, effectsFile, onEvent, signal }: ClientDeps) {
  const violated = (run: LoadRun) => (what: string) =>
    void report.violations.push(`run ${run.planned.number} (${run.runId}): ${what}`);

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
    if (status !== expected) violated(run)(`an answer ${response.status} has a run that is ${status}`);
    if (response.status === 200 && text !== run.planned.answer)
      violated(run)(`it was answered ${JSON.stringify(text)}`);
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

  const decideBy = (effects: Set<string>, runId: string, { call_id, tool }: WaitingItem): Decided => {
    const happened = effects.has(`${runId}:${call_id}`);
    return { callId: call_id, tool, decision: happened ? 'use_result' : 'retry' };
  };

  /**
   * Settles calls whose outcome is unknown, after looking at what really happened, each time anew: a decision whose answer
   * got lost may have been carried out, and the call be asked for once more since.
   */
  async function decide(run: LoadRun, waiting: SeenEvent): Promise<void> {
    const { items } = waiting.required_action as { items: WaitingItem[] };
    let decided: Decided[] = [];
    const request = (url: string) => {
      const effects = new Set(effectsIn(effectsFile).map(({ key }) => key));
      decided = items.map((item) => decideBy(effects, run.runId ?? '', item));
      const decisions = decided.map(({ callId: call_id, decision }) => ({
        call_id,
        decision,
        ...(decision === 'use_result' ? { result: toolAnswer } : {}),
      }));
      return fetch(`${url}/api/v1/runs/${run.runId}/decisions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ decisions }),
        signal,
      });
    };
    const purpose = { run: run.planned.number, request: 'decide' } as const;
    const sent = await sender.send(purpose, {
      request,
      wanted: [200],
      take: async (response) => (await asJson(response)).run_id,
    });
    run.decisions.push(...decided);
    // Refused as decided already: right if the answer to an earlier request got lost.
    if ('refusal' in sent && sent.drops === 0) violated(run)('a decision was refused that no client had made');
  }

  const follow = (run: LoadRun, viewer: Viewer) => (url: string) =>
    fetch(`${url}/api/v1/runs/${run.runId}/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': `${viewer.lastSeq()}` },
      signal,
    });

  /** Reads on after the last event seen until the run is over or waits; false if the service knows no such run. */
  async function watch(run: LoadRun, viewer: Viewer): Promise<boolean> {
    const purpose = { run: run.planned.number, request: 'follow' } as const;
    const sent = await sender.send(purpose, {
      request: follow(run, viewer),
      wanted: [200, 204],
      take: async (response) => {
        if (response.status === 200) await viewer.read(response, onEvent);
        else if (!viewer.final()) violated(run)(`nothing comes after event ${viewer.lastSeq()}, which is not the last`);
        return response.status === 204 || viewer.final() || viewer.waits() ? true : undefined;
      },
    });
    return 'value' in sent;
  }

  /** Follows a run to its end; `settle` sees to it when it waits for a person. */
  async function watchToTheEnd(run: LoadRun, viewer: Viewer, settle: (waiting: SeenEvent) => Promise<void>) {
    for (let round = 0; round < roundsMax && !viewer.final(); round += 1) {
      const last = viewer.seen.at(-1);
      if (last && viewer.waits()) await settle(last);
      if (!(await watch(run, viewer))) return;
      if (viewer.seen.at(-1) === last && !viewer.waits()) return; // 204 before the last event: it was noted
    }
  }

  function judge(run: LoadRun, viewers: Viewer[]): void {
    const [first] = viewers;
    const final = first?.final();
    const { response = null, status = null } = (final?.run ?? {}) as { response?: string | null; status?: string };
    Object.assign(run, { status, response });
    if (!final) violated(run)('its end was never seen');
    else if (final.type !== `run.${status}`) violated(run)(`its last event ${final.type} has a run that is ${status}`);
    if (status === 'completed' && response !== run.planned.answer)
      violated(run)(`its response is ${JSON.stringify(response)}`);
    if (status === 'completed' && first?.text() !== response)
      violated(run)(`its text is ${JSON.stringify(first?.text())}`);
    const others = viewers.filter((each) => !sawTheSame(each.seen, first?.seen ?? []));
    if (others.length > 0) violated(run)('two clients that followed it were told different things');
  }

  return {
    /** Brings a planned run to its end. */
    async carryOut(planned: PlannedRun): Promise<LoadRun> {
      const run: LoadRun = { planned, runId: null, status: null, response: null, views: [], decisions: [] };
      const viewers = Array.from({ length: planned.viewers }, (_, index) =>
        createViewer(`client ${index + 1}:`, (what) => violated(run)(what)),
      );
      run.views = viewers.map(({ seen }) => seen);
      const [first, ...others] = viewers as [Viewer, ...Viewer[]];
      await create(run, first);
      if (run.runId !== null) {
        const decided = createDecisions();
        const settle = async (waiting: SeenEvent) => {
          await decide(run, waiting);
          decided.made(waiting.seq);
        };
        await Promise.all([
          watchToTheEnd(run, first, settle).finally(decided.close),
          ...others.map((viewer) => watchToTheEnd(run, viewer, ({ seq }) => decided.after(seq))),
        ]);
      }
      judge(run, viewers);
      return run;
    },
  };
}

/** Lets those who follow a run wait for the decision that one of them makes. */
function createDecisions() {
  let lastSeq = 0;
  let open = true;
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const resume of [...waiting]) resume();
  };
  return {
    made(seq: number): void {
      lastSeq = seq;
      tell();
    },
    close(): void {
      open = false;
      tell();
    },
    async after(seq: number): Promise<void> {
      while (open && lastSeq < seq) await new Promise<void>((resolve) => waiting.add(resume(resolve)));
    },
  };

  function resume(resolve: () => void): () => void {
    const once = () => {
      waiting.delete(once);
      resolve();
    };
    return once;
  }
}
