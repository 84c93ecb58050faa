/** Set up for every test file: no process that it starts outlives it. */
import { afterAll, afterEach, beforeEach, type RunnerTask as Task } from 'vitest';
import { endProcesses, setCurrentTest } from './child-processes.ts';

beforeEach(({ task }) => setCurrentTest(task.id));
afterEach(() => setCurrentTest(null));

/** The tests below a suite that failed. */
const failedIn = (tasks: readonly Task[]): Task[] =>
  tasks.flatMap((task) => ('tasks' in task ? failedIn(task.tasks) : task.result?.state === 'fail' ? [task] : []));

// biome-ignore lint/correctness/noEmptyPattern: vitest wants its first parameter to be destructured
afterAll(async ({}, file) => {
  const left = await endProcesses();
  const failed = failedIn(file.tasks);
  // A test that failed, by its limit for instance, did not get to the end of its `await using`.
  const leaked = left.filter(({ testId }) =>
    testId === null ? failed.length === 0 : !failed.some(({ id }) => id === testId),
  );
  if (leaked.length === 0) return;
  const commands = leaked.map(({ command }) => `  ${command}`).join('\n');
  throw new Error(`Tests that passed left processes running, which were ended now:\n${commands}`);
});
