import type { ClientDeps } from './client-deps.ts';
import type { LoadRun, SeenEvent, Violation } from './report.ts';
import { sawTheSame, type Viewer } from './viewer.ts';

/** How often a run may stop for a person, or its stream may end before it does. */
const roundsMax = 500;

/** The part of a client that follows runs to their end. */
export function createFollowing({ sender, onEvent, signal }: ClientDeps, violated: Violation) {
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
        else if (!viewer.final()) violated(run, `nothing comes after event ${viewer.lastSeq()}, which is not the last`);
        return response.status === 204 || viewer.final() || viewer.waits() ? true : undefined;
      },
    });
    return 'value' in sent;
  }

  /** Follows a run to its end. `decide` is called when the run waits for a person. */
  async function watchToTheEnd(run: LoadRun, viewer: Viewer, decide: (waiting: SeenEvent) => Promise<void>) {
    for (let round = 0; round < roundsMax && !viewer.final(); round += 1) {
      const last = viewer.seen.at(-1);
      if (last && viewer.waits()) await decide(last);
      if (!(await watch(run, viewer))) return;
      if (viewer.seen.at(-1) === last && !viewer.waits()) return; // 204 before the last event: it was noted
    }
  }

  return { watchToTheEnd };
}

/** Compares what the viewers saw of a run with its plan and with one another, and completes the record of the run. */
export function judgeRun(run: LoadRun, viewers: readonly Viewer[], violated: Violation): void {
  const [first] = viewers;
  const final = first?.final();
  const { response = null, status = null } = (final?.run ?? {}) as { response?: string | null; status?: string };
  Object.assign(run, { status, response });
  if (!final) violated(run, 'its end was never seen');
  else if (final.type !== `run.${status}`) violated(run, `its last event ${final.type} has a run that is ${status}`);
  if (status === 'completed' && response !== run.planned.answer)
    violated(run, `its response is ${JSON.stringify(response)}`);
  if (status === 'completed' && first?.text() !== response)
    violated(run, `its text is ${JSON.stringify(first?.text())}`);
  const others = viewers.filter((each) => !sawTheSame(each.seen, first?.seen ?? []));
  if (others.length > 0) violated(run, 'two clients that followed it saw different events');
}
