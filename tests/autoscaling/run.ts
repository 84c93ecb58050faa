import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DeploymentParameters } from './parameters.ts';
import { plotOf, tableOf } from './report.ts';
import { publishedResults, type Result } from './results.ts';

const root = join(import.meta.dirname, '../..');
const page = 'docs/autoscaling.md';
const [begin, end] = ['<!-- Written by `npm run autoscaling` from here -->', '<!-- to here -->'];

/** A file that is written by `npm run autoscaling`, as it should be. */
export type PublishedFile = { path: string; content: string };

/** The page with a new table between its two marks. */
function pageWith(table: string): string {
  const [before, after] = readFileSync(join(root, page), 'utf8').split(begin);
  const rest = after?.split(end)[1];
  if (before === undefined || rest === undefined) throw new Error(`${page} lacks the marks around its table`);
  return `${before}${begin}\n\n${table}\n\n${end}${rest}`;
}

/** The plots and the page that follow from the results. */
export function publishedFiles(parameters: DeploymentParameters, results: Result[]): PublishedFile[] {
  return [
    ...results.map((result) => ({
      path: `docs/images/autoscaling-${result.load.name}.svg`,
      content: plotOf(result, parameters),
    })),
    { path: page, content: pageWith(tableOf(results)) },
  ];
}

/** Writes them. */
function main(): void {
  const { parameters, results } = publishedResults();
  for (const { path, content } of publishedFiles(parameters, results)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    process.stdout.write(`wrote ${path}\n`);
  }
}

if (import.meta.main) main();
