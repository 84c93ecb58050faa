import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A fault: where it is, which rule says so, and how to mend it. Lines count from 1. */
export type Finding = { path: string; line: number; rule: string; message: string };

/** A text file of the project; `path` is relative to the root, with slashes. */
export type ProjectFile = {
  path: string;
  text: string;
  lines: readonly string[];
  /** The syntax tree of a TypeScript or JavaScript file, else null. */
  tree: ts.SourceFile | null;
};

/** All files that belong to the project: those that git tracks, or would if they were added. */
export type Project = { root: string; files: readonly ProjectFile[] };

/** A rule looks at the whole project and returns what it finds. */
export type Rule = (project: Project) => Finding[];

const codeFile = /\.(ts|mts|cts|js|mjs|cjs)$/;
const binaryFile = /\.(png|jpe?g|gif|ico|webp|woff2?|pdf|tgz|gz|zip|db|sqlite)$/i;

/** Reads the project below `root`, which must be a git work tree. */
export function readProject(root: string): Project {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const paths = [...new Set(listing.split('\0'))].filter(
    (path) => path !== '' && !binaryFile.test(path) && existsSync(join(root, path)),
  );
  return { root, files: paths.sort().map((path) => readProjectFile(root, path)) };
}

function readProjectFile(root: string, path: string): ProjectFile {
  const text = readFileSync(join(root, path), 'utf8');
  const isCode = codeFile.test(path) && !path.endsWith('.d.ts');
  return {
    path,
    text,
    lines: text.split('\n'),
    tree: isCode ? ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) : null,
  };
}

/** Whether the file is only for tests: a test, a contract, or anything below tests/. */
export const isForTests = (path: string): boolean => /\.(test|contract)\.ts$/.test(path) || path.startsWith('tests/');

/** Whether the file is shipped: below src, and not for tests. */
export const isSource = (path: string): boolean => path.startsWith('src/') && !isForTests(path);

/** The line, from 1, at which a node begins. */
export const lineOf = (tree: ts.SourceFile, node: ts.Node): number =>
  tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;

/** Calls `visit` with every node of the tree, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Whether the line, or the one above it, excuses this rule with a reason: `// tidy: <rule> because <reason>`. */
function isExcused(file: ProjectFile, line: number, rule: string): boolean {
  return [line - 1, line].some((each) => excuse(rule).test(file.lines[each - 1] ?? ''));
}

/** Whether any line of the file excuses this rule. */
export const isFileExcused = (file: ProjectFile, rule: string): boolean =>
  file.lines.some((line) => excuse(rule).test(line));

const excuse = (rule: string) => new RegExp(`(//|#|--) tidy: ${rule} because \\S`);

/** Reports a finding at a node of the tree that is looked at. */
export type Report = (node: ts.Node, message: string) => void;

/** A rule that looks at one syntax tree after the other, of the files whose path it applies to. */
export function treeRule(
  rule: string,
  applies: (path: string) => boolean,
  find: (tree: ts.SourceFile, report: Report, file: ProjectFile) => void,
): Rule {
  return ({ files }) => {
    const findings: Finding[] = [];
    for (const file of files) {
      const { tree, path } = file;
      if (tree === null || !applies(path)) continue;
      const report: Report = (node, message) => {
        const line = lineOf(tree, node);
        if (!isExcused(file, line, rule)) findings.push({ path, line, rule, message });
      };
      find(tree, report, file);
    }
    return findings;
  };
}
