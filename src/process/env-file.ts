import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { findMisspelledSettings, intendedSetting } from '../platform/settings/misspelled-settings.ts';
import { settingsTable } from '../platform/settings/settings-table.ts';
import { StartError } from '../platform/start-error.ts';
import { decodeText } from './text-encoding.ts';

/** One mistake in a file of settings, without values, and what to do about it. */
export type EnvFileMistake = { problem: string; remedy: string };

/** A file of settings, such as `.env`, is not as it was meant. The message lists all mistakes, and shows no value. */
export class EnvFileError extends StartError {
  readonly mistakes: readonly EnvFileMistake[];

  constructor(mistakes: readonly EnvFileMistake[]) {
    super(mistakes.map(({ problem, remedy }) => `${problem} ${remedy}`).join('\n'));
    this.name = 'EnvFileError';
    this.mistakes = mistakes;
  }
}

/** An assignment with a quote at the beginning of its value. */
const quoted = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(["'`])/;
/** What may follow the closing quote of a value. */
const afterQuote = /^[ \t;]*(?:#.*)?$/;
/** A line that begins with a name, and has something else than an assignment behind it. */
const notAssigned = /^\s*[{,]?\s*["']?(?:export\s+)?([\w.-]+)["']?(?:\s*:|\s+[^\s=])/;

const isMeant = (name: string): boolean => name in settingsTable || intendedSetting(name) !== undefined;

/** What is wrong with the quotes of a value, which begin a line; null for nothing. `lines` is how many the value has. */
function quoteAt(rest: readonly string[], where: string): { lines: number; mistake: EnvFileMistake | null } {
  const [opening = '', name = '', quote = ''] = quoted.exec(rest[0] ?? '') ?? [];
  const text = rest.join('\n').slice(opening.length);
  const end = text.indexOf(quote);
  const lines = end === -1 ? 1 : text.slice(0, end).split('\n').length;
  const after = text.slice(end + 1).split('\n', 1)[0] ?? '';
  if (end !== -1 && afterQuote.test(after)) return { lines, mistake: null };
  const what = end === -1 ? 'has no second' : 'has text behind the second';
  const problem = `${where}: the value of ${name} begins with ${quote} and ${what} ${quote}.`;
  return { lines, mistake: { problem, remedy: 'Quote the whole value, or leave the quotes out.' } };
}

/** The lines that no reading of the file makes sense of. */
function findBrokenLines(text: string, file: string): EnvFileMistake[] {
  const lines = text.split('\n');
  const mistakes: EnvFileMistake[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const where = `${file}, line ${at + 1}`;
    const [, name] = notAssigned.exec(line) ?? [];
    if (quoted.test(line)) {
      const { lines: count, mistake } = quoteAt(lines.slice(at), where);
      if (mistake !== null) mistakes.push(mistake);
      at += count - 1;
    } else if (name !== undefined && isMeant(name)) {
      mistakes.push({ problem: `${where}: ${name} is not followed by =.`, remedy: `Write ${name}=value.` });
    }
  }
  return mistakes;
}

/** Names that no variable has, and that contain one, such as `set PORT` or `$env:PORT`. */
const findBrokenNames = (variables: Readonly<Record<string, string>>, file: string): EnvFileMistake[] =>
  Object.keys(variables).flatMap((name) => {
    const isReported = isMeant(notAssigned.exec(name)?.[1] ?? '');
    const meant = /^[\w.-]*$/.test(name) || isReported ? undefined : name.match(/\w+/g)?.find(isMeant);
    if (meant === undefined) return [];
    return [{ problem: `${file}: ${JSON.stringify(name)} is no name of a variable.`, remedy: `Write ${meant}=value.` }];
  });

/** Names that are almost those of settings. Where the file has both, they are taken for two variables. */
function findMisspelledNames(variables: Readonly<Record<string, string>>, file: string): EnvFileMistake[] {
  return findMisspelledSettings(variables)
    .filter(({ intended }) => variables[intended] === undefined)
    .map(({ name, intended }) => ({
      problem: `${file}: ${name} is no setting and has no effect.`,
      remedy: `If ${intended} is meant, name it so.`,
    }));
}

const withoutReplaced = (variables: Readonly<Record<string, string>>): boolean =>
  !Object.entries(variables).some((entry) => entry.join('').includes('\ufffd'));

/** What the operating system says of a file that cannot be read. */
function unreadable(file: string, { code }: NodeJS.ErrnoException): EnvFileError {
  const isFolder = code === 'EISDIR';
  const reason = code === 'EACCES' || code === 'EPERM' ? 'this user may not read it' : `the system says ${code}`;
  const problem = isFolder ? `${file} is a folder.` : `${file} cannot be read: ${reason}.`;
  return new EnvFileError([
    {
      problem,
      remedy: isFolder ? 'Move it away, and name the settings in a file.' : 'Make it readable, or move it away.',
    },
  ]);
}

/**
 * The variables of a file in the format of `.env`; none if there is no such file. UTF-8 and UTF-16 are read, with any
 * line ends.
 *
 * @throws {EnvFileError} when it cannot be read, or has mistakes
 */
export function readEnvFile(file: string): Record<string, string> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.code === 'ENOENT' || failure.code === 'ENOTDIR') return {};
    throw unreadable(file, failure);
  }
  const text = decodeText(bytes)?.replace(/\r\n?/g, '\n');
  const variables = text === undefined ? {} : (parseEnv(text) as Record<string, string>);
  if (text === undefined || !withoutReplaced(variables)) {
    throw new EnvFileError([{ problem: `${file} is not text in UTF-8.`, remedy: 'Save it as UTF-8.' }]);
  }
  const mistakes = [
    ...findBrokenLines(text, file),
    ...findBrokenNames(variables, file),
    ...findMisspelledNames(variables, file),
  ];
  if (mistakes.length > 0) throw new EnvFileError(mistakes);
  return variables;
}
