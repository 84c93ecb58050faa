import { readCaptures } from '../tests/servers/capture.ts';
import { observations, shownBy, wordsOf } from '../tests/servers/observations.ts';

/** What real servers sent, as their captures show it: server and version, what is odd, and what comes of it. */
export function serverTable(): string {
  const captures = readCaptures();
  const rows = observations.map((observation) => {
    const { stored, exchange } = shownBy(observation, captures);
    const { server, version } = stored.capture;
    return `| ${server} ${version} | ${observation.quirk} | ${wordsOf(exchange.outcome)} |`;
  });
  return ['| Server and version | Sends | Result |', '|---|---|---|', ...rows].join('\n');
}
