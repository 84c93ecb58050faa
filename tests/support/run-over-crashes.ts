import type { AnyAgent, Workflow } from '../../src/agents/index.ts';
import { applyDecisions, type Decision } from '../../src/runs/approvals/decisions.ts';
import { type ExecuteSetup, execute } from './execute-run.ts';
import { createMemoryJournal, type MemoryJournal } from './memory-journal.ts';

/** One execution of a run, as `execute` returns it. */
export type Executed = Awaited<ReturnType<typeof execute>>;

type Item = { call_id: string };
type Action = { type: 'approval' | 'unknown_outcome'; items: Item[] };

const actionOf = ({ paused }: Executed) => paused?.requiredAction as unknown as Action | undefined;

/** The calls that a paused run asks about. */
export const askedIn = (executed: Executed): Item[] => actionOf(executed)?.items ?? [];

/** Records decisions about a paused run in its journal, as the store does. */
export function decide({ paused, memory }: Executed, decisions: Decision[], by = 'key_1'): void {
  const run = { status: 'requires_action', id: 'run_1', requiredAction: paused?.requiredAction } as never;
  memory.write(applyDecisions(run, memory.steps(), decisions, by, 0).entries);
}

/** Decides about every call that a paused run asks about: by default it is approved, or executed again if its outcome is unknown. */
export function decideAll(executed: Executed, given?: Decision['decision']): void {
  const decision = given ?? (actionOf(executed)?.type === 'approval' ? 'approve' : 'retry');
  decide(
    executed,
    askedIn(executed).map(({ call_id }) => ({ call_id, decision })),
  );
}

/** Executes a run, with every approval given, until it has ended. */
export async function executeApproved(agent: AnyAgent | Workflow, setup: ExecuteSetup): Promise<Executed> {
  let executed = await execute(agent, setup);
  while (executed.paused) {
    decideAll(executed);
    executed = await execute(agent, { ...setup, journal: executed.memory });
  }
  return executed;
}

/**
 * Executes a run in a process that dies at its journal write number `writes`, from 0; false if the execution ended before.
 *
 * @param run executes the run over the journal
 */
export async function crashAt(writes: number, journal: MemoryJournal, run: () => Promise<unknown>): Promise<boolean> {
  const { beforeWrite, write } = journal;
  let left = writes;
  let isDead = false;
  const died = Promise.withResolvers<void>();
  journal.beforeWrite = async () => {
    if (left-- > 0) return;
    isDead = true;
    died.resolve();
    await new Promise(() => {}); // the dead process writes nothing more
  };
  journal.write = (entries) => {
    if (!isDead) write(entries);
  };
  await Promise.race([run(), died.promise]);
  Object.assign(journal, { beforeWrite, write });
  return isDead;
}

/** A journal and its run after a process died at each of its writes in turn, until one lived to the end of the run. */
export async function* crashedAtEachWrite(
  agent: () => AnyAgent | Workflow,
  setup: ExecuteSetup,
): AsyncGenerator<MemoryJournal> {
  for (let writes = 0; ; writes += 1) {
    const journal = createMemoryJournal();
    if (!(await crashAt(writes, journal, () => executeApproved(agent(), { ...setup, journal })))) return;
    const recorded = createMemoryJournal();
    recorded.write({ steps: journal.steps(), events: [...journal.events] });
    recorded.attempts = journal.attempts;
    yield recorded;
  }
}
