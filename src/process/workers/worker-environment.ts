/** The number of a worker on its host, from 1, and the URL where the primary answers probes. */
export type WorkerIdentity = { number: number; probeUrl: string };

const numberName = 'AGENT_SERVICE_WORKER';
const probeUrlName = 'AGENT_SERVICE_PROBE_URL';

/** The environment variables that the primary sets for a worker. */
export const workerEnvironment = ({ number, probeUrl }: WorkerIdentity): Record<string, string> => ({
  [numberName]: `${number}`,
  [probeUrlName]: probeUrl,
});

/** Reads the identity that the primary set in the environment; null if there is none. */
export function readWorkerEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): WorkerIdentity | null {
  const { [numberName]: number, [probeUrlName]: probeUrl } = environment;
  return number === undefined || probeUrl === undefined ? null : { number: Number(number), probeUrl };
}
