import type { Run, RunOptions } from '../storage/port/index.ts';

/** What a request chooses for its run alone, as the API names it and as it is stored with the run. */
export type RequestOptions = {
  /** The most turns of the run. Defaults to the limit of the service. */
  max_turns?: number;
  /** The model of the agents that allow it. Defaults to the models of the agents. */
  model?: string;
};

/**
 * The options of a request as they are stored; null if it gave none.
 *
 * @param include what its query includes in the events; see `includesOf`
 */
export function toRunOptions({ max_turns, model }: RequestOptions, include?: string): RunOptions | null {
  const options = {
    ...(max_turns !== undefined && { max_turns }),
    ...(model !== undefined && { model }),
    ...(include !== undefined && { include: [include] }),
  };
  return Object.keys(options).length === 0 ? null : options;
}

/** What the request of a run has chosen. */
export const optionsOf = ({ options }: Pick<Run, 'options'>): RequestOptions => options ?? {};
