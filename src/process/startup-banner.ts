import type { Settings } from '../platform/settings/settings.ts';
import type { StoreFacts } from './workers/index.ts';

/** Where the service listens; `url` is null where it takes no requests. */
export type Addresses = { url: string | null; probeUrl: string };

/** What the service uses: its store, and the files that its settings were read from. */
export type Sources = { store: StoreFacts; files: readonly string[] };

/** The settings that the banner depends on. */
export type BannerSettings = Pick<
  Settings,
  'appName' | 'appEnv' | 'port' | 'metricsPort' | 'simulated' | 'authMode' | 'adminApiKey'
> & {
  /** Whether a valid key exists, in the settings or in the store. */
  hasKey: boolean;
};

/** The warning if callers need a key, but none exists. */
export const noKeyWarning =
  'AUTH_MODE is api_key, but there is no key: every request is answered 401. Set ADMIN_API_KEY, or make a key with "agent-service keys create".';

/** A question that any agent can answer; the simulated model answers it with the purpose of the agents. */
const question = 'What can you do for me?';

const portOf = (url: string) => Number(new URL(url).port);
const isTaken = (wanted: number, actual: number) => wanted !== 0 && wanted !== actual;

/** Notes about unexpected facts, such as another port than the configured one. */
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

/** A command to paste into a shell. It refers to a key by a variable, and never contains it. */
function curl(url: string, { authMode, adminApiKey }: BannerSettings): string {
  const name = adminApiKey === undefined ? 'API_KEY' : 'ADMIN_API_KEY';
  const key = authMode === 'api_key' ? ` -H "authorization: Bearer $${name}"` : '';
  return `curl ${url}/api/v1/run${key} -H 'content-type: application/json' -d '${JSON.stringify({ message: question })}'`;
}

const describeStore = ({ place, environment }: StoreFacts): string =>
  `${place} (${environment === null ? 'of no environment' : `of ${environment}`})`;

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}\n`).join('');
const section = (lines: readonly string[]) => (lines.length === 0 ? '' : `\n${indent(lines)}`);

/** The text for a developer after the start of the service: its addresses, its store, notes, and a first request. */
export function startupBanner(facts: Addresses & Sources, settings: BannerSettings): string {
  const { url, probeUrl, store, files } = facts;
  const sources = files.length === 0 ? [] : [`Files   ${files.join(', ')}`];
  const api = url === null ? [] : [`API     ${url}`, `Docs    ${url}/docs`];
  const activity = url === null ? 'executes runs' : 'accepts requests';
  return [
    `\n${settings.appName} ${activity} (${settings.appEnv})\n`,
    section([...api, `Probes  ${probeUrl}/readyz`, `Store   ${describeStore(store)}`, ...sources]),
    section(notes(facts, settings)),
    url === null ? '' : `\nTry it:\n${section([curl(url, settings)])}`,
    '\n',
  ].join('');
}
