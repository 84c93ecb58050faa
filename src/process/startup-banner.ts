import type { Settings } from '../platform/settings/settings.ts';

/** Where the service listens; `url` is null where it takes no requests. */
export type Addresses = { url: string | null; probeUrl: string };

/** What of the settings a developer is told about. */
export type BannerSettings = Pick<
  Settings,
  'appName' | 'appEnv' | 'port' | 'metricsPort' | 'simulated' | 'authMode' | 'adminApiKey'
> & {
  /** Whether there is a key that is valid: that of the settings, or one in the store. */
  hasKey: boolean;
};

/** What is told where keys are asked for and nobody has one. */
export const noKeyWarning =
  'AUTH_MODE is api_key, but there is no key: every request is answered 401. Set ADMIN_API_KEY, or make a key with "agent-service keys create".';

/** Answered by any agent, and by the simulated model with what the agents are for. */
const question = 'What can you do for me?';

const portOf = (url: string) => Number(new URL(url).port);
const isTaken = (wanted: number, actual: number) => wanted !== 0 && wanted !== actual;

/** What a developer might wonder about otherwise. */
function notes({ url, probeUrl }: Addresses, settings: BannerSettings): string[] {
  const { port, metricsPort, simulated, authMode, hasKey } = settings;
  const found: string[] = [];
  if (url !== null && isTaken(port, portOf(url))) found.push(`Port ${port} is taken; listening on ${portOf(url)}.`);
  if (isTaken(metricsPort, portOf(probeUrl))) {
    found.push(`Port ${metricsPort} is taken; probes are answered on ${portOf(probeUrl)}.`);
  }
  if (simulated) found.push('There is no OPENAI_API_KEY: a simulated model answers, and says so in every answer.');
  if (url !== null && authMode === 'api_key' && !hasKey) found.push(noKeyWarning);
  return found;
}

/** A command that a developer can paste as it is; a key is named, never shown. */
function curl(url: string, { authMode, adminApiKey }: BannerSettings): string {
  const name = adminApiKey === undefined ? 'API_KEY' : 'ADMIN_API_KEY';
  const key = authMode === 'api_key' ? ` -H "authorization: Bearer $${name}"` : '';
  return `curl ${url}/api/v1/run${key} -H 'content-type: application/json' -d '${JSON.stringify({ message: question })}'`;
}

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}\n`).join('');
const section = (lines: readonly string[]) => (lines.length === 0 ? '' : `\n${indent(lines)}`);

/** What a developer reads once the service has started: where it is, what is unusual, and a first request. */
export function startupBanner(addresses: Addresses, settings: BannerSettings): string {
  const { url, probeUrl } = addresses;
  const api = url === null ? [] : [`API     ${url}`, `Docs    ${url}/docs`];
  const does = url === null ? 'executes runs' : 'accepts requests';
  return [
    `\n${settings.appName} ${does} (${settings.appEnv})\n`,
    section([...api, `Probes  ${probeUrl}/readyz`]),
    section(notes(addresses, settings)),
    url === null ? '' : `\nTry it:\n${section([curl(url, settings)])}`,
    '\n',
  ].join('');
}
