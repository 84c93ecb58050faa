/** The figures as people and machines read them. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import type { Spread } from './figures.ts';
import type { Row } from './measure.ts';
import type { SideName } from './sides.ts';
import type { StatementCount } from './statements.ts';

/** The CPU that a plain run may cost, as a multiple of what it costs the bare server, which uses the `openai` client. */
export const bars: Partial<Record<SideName, number>> = { embedded: 0.75, postgres: 1 };

/** Everything that was measured. */
export type Report = { machine: ReturnType<typeof machineOf>; rows: Row[]; statements: StatementCount[] };

/** On what it was measured. */
export const machineOf = () => ({
  cores: availableParallelism(),
  cpu: cpus()[0]?.model ?? 'unknown',
  memoryGib: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${release()} ${arch()}`,
  node: process.version,
  agents: versionOf('@openai/agents'),
  openai: versionOf('openai'),
});

const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;

const digits = (value: number) => (Number.isNaN(value) ? '' : value.toFixed(value < 10 ? 2 : 0));
const withSpread = ({ median, min, max }: Spread) => `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;

const columns: [name: string, of: (row: Row) => string][] = [
  ['case', (row) => row.case],
  ['at once', (row) => `${row.callers}`],
  ['side', (row) => row.side],
  ['CPU ms/run', (row) => row.cpuMsPerRun.median.toFixed(2)],
  ['of bare', (row) => (row.side === 'bare' ? '1' : withSpread(row.cpuRatio))],
  ['database CPU', (row) => row.databaseCpuMsPerRun?.median.toFixed(2) ?? ''],
  ['p50 ms', (row) => digits(row.p50Ms.median)],
  ['p95 ms', (row) => digits(row.p95Ms.median)],
  ['p99 ms', (row) => digits(row.p99Ms.median)],
  ['first token', (row) => (row.firstTokenP50Ms ? digits(row.firstTokenP50Ms.median) : '')],
  ['its p95', (row) => (row.firstTokenP95Ms ? digits(row.firstTokenP95Ms.median) : '')],
  ['added', (row) => (row.firstTokenAddedMs === null || row.side === 'bare' ? '' : row.firstTokenAddedMs.toFixed(1))],
  ['runs/s', (row) => digits(row.runsPerSecond.median)],
  ['MiB', (row) => row.residentMib.toFixed(0)],
];

/** Lines of a table in Markdown, its columns aligned. */
function tableOf(header: string[], lines: string[][]): string[] {
  const widths = header.map((name, index) => Math.max(name.length, ...lines.map((cells) => cells[index]?.length ?? 0)));
  const line = (cells: string[]) => `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.map(line)];
}

/** The figures as tables in Markdown. */
export function textOf({ machine, rows, statements }: Report): string {
  const { cores, cpu, memoryGib, system, node, agents, openai } = machine;
  const lines = [
    `${cores} cores (${cpu}), ${memoryGib} GiB, ${system}, Node ${node}, @openai/agents ${agents}, openai ${openai}`,
  ];
  if (rows.length > 0) {
    const header = columns.map(([name]) => name);
    const cells = rows.map((row) => columns.map(([, of]) => of(row)));
    lines.push('', ...tableOf(header, cells));
  }
  for (const { side, callers, commits, statements: counted } of statements) {
    lines.push('', `A plain run on ${side}, ${callers} at once, beyond what an idle process does:`);
    const names = Object.entries(counted).filter(([, each]) => Math.abs(each) >= 0.005);
    lines.push(
      ...tableOf(
        ['statement', 'a run'],
        [
          ...names.map(([name, each]) => [name, each.toFixed(2)]),
          ['all statements', names.reduce((sum, [, each]) => sum + each, 0).toFixed(2)],
          ['commits', commits.toFixed(2)],
        ],
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The bars that are broken, of CPU by plain runs and of the first token by streams; empty if they hold. */
export const brokenBars = (rows: Row[]): string[] =>
  rows.flatMap((row) => {
    const bar = bars[row.side];
    if (bar === undefined) return [];
    const of = `${row.case}, ${row.callers} at once, ${row.side}:`;
    const { median } = row.cpuRatio;
    const added = row.firstTokenAddedMs ?? 0;
    return [
      ...(row.case === 'plain' && median > bar ? [`${of} ${median.toFixed(2)} × bare; the bar is ${bar}`] : []),
      ...(added > 0 ? [`${of} the first token comes ${added.toFixed(1)} ms after that of the bare server`] : []),
    ];
  });
