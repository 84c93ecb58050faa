import { posix } from 'node:path';
import ts from 'typescript';
import { isFileExcused, isForTests, isSource, type ProjectFile, type Rule, walk } from './project.ts';

/** Where a program, a command, an example or a tool begins: no file has to import these. */
const entries = [
  /^src\/(index|main|cli\/main)\.ts$/,
  /^examples\/[^/]+\/main\.ts$/,
  /^bench\/[^/]+\.(ts|mjs)$/,
  /^bin\//,
  /\.(test|config)\.ts$/,
  /^\.[^/]+$/,
];

/** The files that the strings of a file name: imports, workers, and child processes started by a path. */
function named({ path, tree }: ProjectFile): string[] {
  if (tree === null) return [];
  const targets: string[] = [];
  walk(tree, (node) => {
    if (!ts.isStringLiteralLike(node) || !/\.(ts|mts|mjs|js)$/.test(node.text)) return;
    targets.push(posix.normalize(posix.join(posix.dirname(path), node.text)), posix.normalize(node.text));
  });
  return targets;
}

/** Files that nothing uses, and files of the source that only tests use. */
export const deadFiles: Rule = ({ files }) => {
  const usedBySource = new Set<string>();
  const usedByTests = new Set<string>();
  for (const file of files) {
    const used = isForTests(file.path) ? usedByTests : usedBySource;
    for (const target of named(file)) if (target !== file.path) used.add(target);
  }
  const configuration = files.filter(({ path, tree }) => tree === null && /(\.json|\.ya?ml|^\.ci\/run)$/.test(path));
  return files.flatMap((file) => {
    const { path, tree } = file;
    if (
      tree === null ||
      isFileExcused(file, 'dead') ||
      entries.some((entry) => entry.test(path)) ||
      usedBySource.has(path)
    )
      return [];
    if (usedByTests.has(path) && !isSource(path)) return [];
    if (configuration.some(({ text }) => text.includes(path))) return [];
    const message = usedByTests.has(path)
      ? 'only tests use this file: wire it up, move it to tests/support, or delete it'
      : 'nothing uses this file: delete it, or import it where it belongs';
    return [{ path, line: 1, rule: 'dead', message }];
  });
};
