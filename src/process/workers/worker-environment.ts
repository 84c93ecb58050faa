/** Which of the workers of a host a process is, and where their primary answers probes. */
export type Place = { number: number; probeUrl: string };

const numberName = 'AGENT_SERVICE_WORKER';
const probeUrlName = 'AGENT_SERVICE_PROBE_URL';

/** What a worker finds in its environment. */
export const workerEnvironment = ({ number, probeUrl }: Place): Record<string, string> => ({
  [numberName]: `${number}`,
  [probeUrlName]: probeUrl,
});

/** What a primary has put into the environment; null if none has. */
export function readWorkerEnvironment(environment: Readonly<Record<string, string | undefined>>): Place | null {
  const { [numberName]: number, [probeUrlName]: probeUrl } = environment;
  return number === undefined || probeUrl === undefined ? null : { number: Number(number), probeUrl };
}
