/**
 * What a durable run costs, in CPU and time, beside a bare server around the SDK, as ratios of one and the same run of
 * this program: `npm run bench:cost -- --help`. Build first. For Linux, since CPU time is read from /proc.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Case, cases } from './cost/client.ts';
import { startDatabase } from './cost/database.ts';
import { type MeasureDeps, measure, type Row } from './cost/measure.ts';
import { bars, brokenBars, machineOf, textOf } from './cost/report.ts';
import { type Side, type SideName, sideNames, startProvider, startSide } from './cost/sides.ts';
import { countStatements } from './cost/statements.ts';

const usage = `Usage: npm run bench:cost -- [options]

Measures a bare server around the SDK, and the built service on each of its stores, in turn, against one provider.

  --cases <list>     of ${cases.map(({ name }) => name).join(',')} (default: all)
  --sides <list>     of ${sideNames.join(',')} (default: all; bare is always measured)
  --callers <list>   how many requests at once (default: 16,50)
  --passes <n>       turns of each side; figures are their medians (default: 5, at least 3)
  --runs <n>         runs a pass of the plain case; tool half, stream a quarter as many (default: 2000)
  --statements       count statements and commits only
  --no-statements    leave that out
  --profile <dir>    write CPU profiles of the servers there; figures are then worth little
  --json <file>      write all figures there
  --check            exit with 1 if a plain run costs more than ${bars.embedded} × (embedded) or ${bars.postgres} × (Postgres) of bare,
                     or a first token comes later than that of bare
  --help
`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    cases: { type: 'string' },
    sides: { type: 'string' },
    callers: { type: 'string', default: '16,50' },
    passes: { type: 'string', default: '5' },
    runs: { type: 'string', default: '2000' },
    statements: { type: 'boolean' },
    profile: { type: 'string' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const say = (text: string) => process.stdout.write(text);
const tell = (line: string) => process.stderr.write(`${line}\n`);

/** Ends the process because of how it was called. */
function misused(why: string): never {
  process.stderr.write(`${why}\n\n${usage}`);
  process.exit(2);
}

function wholeNumber(text: string, name: string, least: number): number {
  const number = Number(text);
  return Number.isInteger(number) && number >= least ? number : misused(`--${name}: a whole number from ${least} on`);
}

function chosen<T extends string>(list: string | undefined, all: readonly T[], name: string): T[] {
  const names = list?.split(',') ?? [...all];
  const unknown = names.find((each) => !all.includes(each as T));
  return unknown === undefined ? (names as T[]) : misused(`--${name}: "${unknown}" is none of ${all.join(', ')}`);
}

/** Fewer runs where each takes longer. */
const runsOf = (plainRuns: number) => (of: Case) => {
  if (of.streamed) return Math.ceil(plainRuns / 4);
  return of.agent === 'tooled' ? Math.ceil(plainRuns / 2) : plainRuns;
};

const nodeArgs = values.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', values.profile];

async function measureAll(providerUrl: string, sideList: SideName[]): Promise<Row[]> {
  const database = sideList.includes('postgres') ? await startDatabase('bench', { tidied: true }) : null;
  const sides: Side[] = [];
  const rows: Row[] = [];
  try {
    for (const name of sideList) {
      sides.push(await startSide(name, { providerUrl, databaseUrl: database?.url, nodeArgs }));
    }
    const plan = {
      passes: wholeNumber(values.passes, 'passes', 3),
      runsOf: runsOf(wholeNumber(values.runs, 'runs', 50)),
    };
    const deps: MeasureDeps = { sides, database, plan, tell };
    const callers = values.callers.split(',').map((text) => wholeNumber(text, 'callers', 1));
    const names = chosen(
      values.cases,
      cases.map(({ name }) => name),
      'cases',
    );
    for (const of of cases.filter(({ name }) => names.includes(name))) {
      for (const each of callers) rows.push(...(await measure(deps, of, each)));
    }
    return rows;
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
    await database?.remove();
  }
}

async function main(): Promise<void> {
  if (values.help) return void say(usage);
  const names = chosen(values.sides, sideNames, 'sides');
  const measured = sideNames.filter((name) => name === 'bare' || names.includes(name));
  const provider = await startProvider();
  try {
    const rows = values.statements === true ? [] : await measureAll(provider.url, measured);
    if (values.statements !== false) tell('counting statements');
    const statements = values.statements === false ? [] : await countStatements(provider.url, measured);
    const report = { machine: machineOf(), rows, statements };
    say(textOf(report));
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    const broken = brokenBars(rows);
    for (const bar of broken) tell(bar);
    if (values.check && broken.length > 0) process.exitCode = 1;
  } finally {
    await provider.stop();
  }
}

await main();
