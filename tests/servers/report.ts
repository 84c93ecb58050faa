import type { Exchange } from './capture.ts';
import type { RunResult } from './scenarios.ts';

/** The result of one scenario on one server. */
export type Row = {
  server: string;
  api: string;
  scenario: string;
  result: RunResult;
  exchanges: readonly Exchange[];
  /** What the server or its model does not do; undefined where the result is what it should be, or is not known. */
  limit: string | undefined;
  isRight: boolean;
};

const verdictOf = ({ isRight, limit }: Row): string => {
  if (isRight) return 'right';
  return limit === undefined ? 'WRONG' : `limit: ${limit}`;
};

const cellsOf = (row: Row): string[] => {
  const { result, exchanges } = row;
  return [
    row.server,
    row.api,
    row.scenario,
    `${result.httpStatus} ${result.status}${result.code === null ? '' : ` ${result.code}`}`,
    exchanges.map(({ status, brokenOff }) => `${status}${brokenOff ? '…' : ''}`).join(' '),
    String(result.tokens),
    verdictOf(row),
  ];
};

const head = ['server', 'api', 'scenario', 'run', 'server answered', 'tokens', 'verdict'];

/** A line about one result, as it is printed while the others run. */
export const lineOf = (row: Row): string => `  ${cellsOf(row).slice(1).join(' | ')}`;

/** The results as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [head, head.map(() => '---'), ...rows.map(cellsOf)];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
