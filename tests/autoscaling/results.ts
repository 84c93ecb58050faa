import { type Arrivals, drawArrivals, type Load, loads } from './loads.ts';
import { type DeploymentParameters, manifestsFolder, readParameters } from './parameters.ts';
import { type PolicyName, policies } from './policies.ts';
import { type Outcome, simulate } from './simulation.ts';

/** The seed of the published figures. */
export const seed = 1;

/** A load with what each policy made of it. */
export type Result = { load: Load; arrivals: Arrivals; outcomes: Record<PolicyName, Outcome> };

/** Replays all loads through all policies: nine simulations. */
export function replayAll(parameters: DeploymentParameters): Result[] {
  return loads.map((load) => {
    const arrivals = drawArrivals(load, parameters.timeoutMs, seed);
    const replay = (name: PolicyName) =>
      simulate({ load, arrivals, parameters, hpa: policies[name].of(parameters.hpa), seed });
    return { load, arrivals, outcomes: { cpu: replay('cpu'), queue: replay('queue'), demand: replay('demand') } };
  });
}

/** What is published: the figures of the manifests. */
export function publishedResults(): { parameters: DeploymentParameters; results: Result[] } {
  const parameters = readParameters(manifestsFolder);
  return { parameters, results: replayAll(parameters) };
}
