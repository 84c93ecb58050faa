import type { ClientDeps } from './client-deps.ts';
import { createDecider, createDecisions } from './decisions.ts';
import { createFollowing, judgeRun } from './following.ts';
import type { PlannedRun } from './plan.ts';
import type { LoadRun, SeenEvent, Violation } from './report.ts';
import { createRunCreation } from './run-creation.ts';
import { createViewer, type Viewer } from './viewer.ts';

/** A client of a load: it brings one run after the other to its end, whatever happens to the services. */
export function createClient(deps: ClientDeps) {
  const violated: Violation = (run, what) =>
    void deps.report.violations.push(`run ${run.planned.number} (${run.runId}): ${what}`);
  const creation = createRunCreation(deps, violated);
  const decider = createDecider(deps, violated);
  const following = createFollowing(deps, violated);

  /** Has all viewers follow the run to its end; the first of them decides where it waits. */
  async function follow(run: LoadRun, [first, ...others]: readonly [Viewer, ...Viewer[]]): Promise<void> {
    const decisions = createDecisions();
    const decide = async (waiting: SeenEvent) => {
      await decider.decide(run, waiting);
      decisions.made(waiting.seq);
    };
    await Promise.all([
      following.watchToTheEnd(run, first, decide).finally(decisions.close),
      ...others.map((viewer) => following.watchToTheEnd(run, viewer, ({ seq }) => decisions.after(seq))),
    ]);
  }

  return {
    /** Brings a planned run to its end. */
    async carryOut(planned: PlannedRun): Promise<LoadRun> {
      const run: LoadRun = { planned, runId: null, status: null, response: null, views: [], decisions: [] };
      const viewers = Array.from({ length: planned.viewers }, (_, index) =>
        createViewer(`client ${index + 1}:`, (what) => violated(run, what)),
      ) as [Viewer, ...Viewer[]];
      run.views = viewers.map(({ seen }) => seen);
      await creation.create(run, viewers[0]);
      if (run.runId !== null) await follow(run, viewers);
      judgeRun(run, viewers, violated);
      return run;
    },
  };
}
