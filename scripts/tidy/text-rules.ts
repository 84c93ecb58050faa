import { type Finding, isFileExcused, type ProjectFile, type Rule } from './project.ts';

/** Lines that a file may have before it must say why it is long. */
const linesMax = 400;

const codeOrQuery = /\.(ts|mts|cts|js|mjs|cjs|sql|sh)$/;

/** Finds what matches in any line of any file but the lock file, which has a rule of its own. */
function lineRule(rule: string, pattern: RegExp, message: (found: string) => string): Rule {
  return ({ files }) =>
    files
      .filter(({ path }) => path !== 'package-lock.json')
      .flatMap((file) =>
        file.lines.flatMap((text, index): Finding[] => {
          const found = pattern.exec(text)?.[0];
          if (found === undefined) return [];
          return [{ path: file.path, line: index + 1, rule, message: message(found.trim()) }];
        }),
      );
}

/** A long file has a second noun in it, or says why not. */
export const longFiles: Rule = ({ files }) =>
  files
    .filter((file) => codeOrQuery.test(file.path) && file.lines.length - 1 > linesMax && !isFileExcused(file, 'long'))
    .map((file) => ({
      path: file.path,
      line: linesMax + 1,
      rule: 'long',
      message: `${file.lines.length - 1} lines, ${linesMax} at most: take the second noun out, or say "// tidy: long because …"`,
    }));

// The words are put together here so that this file does not find itself.
const leftover = new RegExp(`\\b(${['FIX' + 'ME', 'TO' + 'DO', 'X' + 'XX'].join('|')})\\b`);

/** Work that was left for later belongs into an issue. */
export const leftovers: Rule = lineRule('leftover', leftover, (found) => `"${found}": do it now, or open an issue`);

const registry = /\bregistry\.(npmjs|yarnpkg|npmmirror)\.(org|com)\b/;

/** The registry to install from is a user's own configuration. */
export const registryHosts: Rule = lineRule(
  'registry-host',
  registry,
  (found) => `"${found}": the project does not name a registry; leave it to the user's npm configuration`,
);

const machinePath = /(?<![\w.~@}-])\/(work|root(?!\/\.npm)|Users\/[\w.-]+|home\/(?!node\b)[\w.-]+)\/|\b[A-Z]:\\Users\\/;

/** A path of one machine means nothing on another; where npm keeps its files in an image is no such path. */
export const machinePaths: Rule = lineRule(
  'machine-path',
  machinePath,
  (found) => `"${found}" is a path of one machine: make it relative, or take it from the environment`,
);

/** The lock file holds versions and checksums; download addresses would tie it to one registry. */
export const lockFile: Rule = ({ files }) =>
  files
    .filter(({ path }) => path === 'package-lock.json')
    .flatMap((file) => addressesIn(file))
    .map(({ line, path }) => ({
      path,
      line,
      rule: 'lock-address',
      message: 'a download address: run npm install with omit-lockfile-registry-resolved=true',
    }));

const addressesIn = (file: ProjectFile) =>
  file.lines.flatMap((text, index) =>
    /"resolved":\s*"(https?|git\+)/.test(text) ? [{ path: file.path, line: index + 1 }] : [],
  );
