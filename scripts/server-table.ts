import { readCaptures, type StoredCapture } from '../tests/servers/capture.ts';
import { servers } from '../tests/servers/definitions.ts';
import { observations, shownBy, wordsOf } from '../tests/servers/observations.ts';

const tableOf = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** The servers that are tried, their APIs, and the day of their last capture. */
function serverList(captures: readonly StoredCapture[]): string {
  const rows = servers.map(({ name, version, title, apis, isQuick }) => {
    const own = captures.filter(({ capture }) => capture.server === name && capture.version === version);
    const days = own.map(({ capture }) => capture.date).sort();
    return [`\`${name}\``, title, apis.join(', '), isQuick ? 'in CI' : 'by hand', days.at(-1) ?? 'not captured'];
  });
  return tableOf(['Name', 'Server', 'APIs', 'Tried', 'Captured'], rows);
}

/** What is odd in the captures, each row with a link to its capture and with what the service makes of it. */
function observationTable(captures: readonly StoredCapture[]): string {
  const rows = observations.map((observation) => {
    const { stored, exchange } = shownBy(observation, captures);
    const { server, version } = stored.capture;
    const link = `../tests/servers/captures/${stored.path}`;
    return [`${server} ${version}`, `[${observation.quirk}](${link})`, wordsOf(exchange.outcome)];
  });
  return tableOf(['Server and version', 'Sends', 'Result'], rows);
}

/** The real servers, and what they sent, as their captures show it. */
export function serverTables(): string {
  const captures = readCaptures();
  return `${serverList(captures)}\n\n${observationTable(captures)}`;
}
