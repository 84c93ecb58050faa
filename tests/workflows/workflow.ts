import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The repository. */
export const root = join(import.meta.dirname, '../..');
/** Where workflows are. */
export const workflowFolder = '.github/workflows';

/** One step of a job. */
export type Step = { name?: string; if?: string; uses?: string; run?: string; with?: Record<string, unknown> };
/** A job, or a call of another workflow. */
export type Job = {
  name?: string;
  needs?: string | string[];
  uses?: string;
  permissions?: Record<string, string>;
  environment?: string | { name: string };
  services?: Record<string, { image: string }>;
  strategy?: { matrix?: { include?: Record<string, string>[] } };
  'timeout-minutes'?: number;
  steps?: Step[];
};
/** A workflow, as its file says it. */
export type Workflow = {
  file: string;
  text: string;
  on: Record<string, unknown>;
  permissions?: unknown;
  concurrency?: { group: string; 'cancel-in-progress': boolean | string };
  defaults?: { run?: { shell?: string } };
  jobs: Record<string, Job>;
};

/** All workflows of this repository. */
export function readWorkflows(): Workflow[] {
  return readdirSync(join(root, workflowFolder)).map((file) => {
    const text = readFileSync(join(root, workflowFolder, file), 'utf8');
    return { file, text, ...(parse(text) as Omit<Workflow, 'file' | 'text'>) };
  });
}

/** Every job with its place, for messages. */
export const jobsOf = (workflows: readonly Workflow[]) =>
  workflows.flatMap(({ file, jobs }) => Object.entries(jobs).map(([name, job]) => ({ at: `${file} ${name}`, job })));

/** Every step with its place, for messages. */
export const stepsOf = (workflows: readonly Workflow[]) =>
  jobsOf(workflows).flatMap(({ at, job }) => (job.steps ?? []).map((step) => ({ at, step })));
