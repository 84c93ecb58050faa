import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorLine } from '../platform/error-line.ts';

/** What Node tells about a module that cannot be loaded. */
type LoadError = { code?: string; message: string; stack?: string; url?: string };

const shown = (path: string): string => relative('', path) || path;

/** The file that an import without or with a wrong extension, or of a folder, means; undefined if there is none. */
function intendedFile(path: string): string | undefined {
  const withoutExtension = path.slice(0, path.length - extname(path).length);
  const candidates = ['.ts', '.mts', '.js', '.mjs', '/index.ts', '/index.js'].map((ending) => path + ending);
  if (/\.[cm]?js$/.test(path)) candidates.push(`${withoutExtension}.ts`, `${withoutExtension}.mts`);
  return candidates.find((file) => existsSync(file));
}

function describeImport({ message, url }: LoadError): string | null {
  const importer = /imported from (.+)$/.exec(message)?.[1];
  if (importer === undefined || !url?.startsWith('file:') || url.includes('/node_modules/')) return null;
  const path = fileURLToPath(url);
  const intended = intendedFile(path);
  if (intended === undefined) return null;
  const specifier = relative(dirname(importer), intended).replace(/^(?!\.)/, './');
  return (
    `${shown(importer)} imports ${shown(path)}, but Node needs the name of the file, with its extension: write ` +
    `"${specifier}" (in tsconfig.json, "allowImportingTsExtensions").`
  );
}

/** A package that is not installed. */
function describePackage({ message }: LoadError): string | null {
  const [, name, importer] = /^Cannot find package '([^']+)' imported from (.+)$/.exec(message) ?? [];
  if (name === undefined || importer === undefined) return null;
  return `${shown(importer)} imports the package ${name}, which is not installed: npm install ${name}`;
}

/** Whatever else ends a program while it loads. */
const describeOther = (error: unknown, program: string): string =>
  `${shown(program)} cannot be loaded: ${errorLine(error)}`;

function describeSyntax({ message, stack }: LoadError, program: string): string {
  const place = /^(file:.+):(\d+)$/m.exec(stack ?? '');
  const at = place === null ? shown(program) : `${shown(fileURLToPath(place[1] as string))}:${place[2]}`;
  return (
    `${at}: ${message}: Node removes types and compiles nothing. Use syntax that it can remove ` +
    '("erasableSyntaxOnly" in tsconfig.json finds the places), or compile the program first.'
  );
}

/** Whether the project in the current folder has the package tsx, which loads all of TypeScript. */
function hasTsx(): boolean {
  const folders = createRequire(resolve('package.json')).resolve.paths('tsx') ?? [];
  return folders.some((folder) => existsSync(join(folder, 'tsx', 'package.json')));
}

/**
 * Explains in one line why a program cannot be loaded: because it is written for a TypeScript compiler, by syntax that is
 * more than types, or by imports that are not names of files; by a package that is missing; or by an error of its own.
 *
 * @param program the path of the program
 * @param command the command that loads it; `dev` offers tsx where it is installed
 */
export function explainLoadError(error: unknown, program: string, command: 'dev' | 'start'): string {
  if (!(error instanceof Error)) return describeOther(error, program);
  const { code } = error as LoadError;
  let line: string | null = null;
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') line = describeSyntax(error, program);
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT') line = describeImport(error);
  if (line === null) return describePackage(error) ?? describeOther(error, program);
  if (command !== 'dev' || !hasTsx()) return line;
  return `${line} Or have tsx load it, which is installed: NODE_OPTIONS="--import tsx" npx agent-service dev`;
}
