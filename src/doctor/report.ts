import { settingsTable } from '../platform/settings/settings-table.ts';
import { checkTable } from './checks.ts';
import { type Finding, type Verdict, worst } from './finding.ts';

/** Exit codes of `agent-service doctor`. */
export const exitCodes = { well: 0, wrong: 1, usage: 2 } as const;

/** A warning counts only for those who ask for it. */
export function exitCodeOf(findings: readonly Finding[], strict: boolean): number {
  const verdict = worst(findings);
  return verdict === 'failed' || (strict && verdict === 'warning') ? exitCodes.wrong : exitCodes.well;
}

const hidden = '[secret]';
/** Shorter values are too common to be taken for a secret wherever they stand. */
const secretCharsMin = 6;

/** The secrets of an environment, and the passwords inside them, the longest first. */
function secretsIn(environment: Readonly<Record<string, string | undefined>>): string[] {
  const secrets = Object.entries(settingsTable).flatMap(([name, entry]) => {
    const value = environment[name]?.trim() ?? '';
    if (!('secret' in entry) || value === '') return [];
    if (!URL.canParse(value)) return [value];
    const { password } = new URL(value);
    return [value, password, decodeURIComponent(password)];
  });
  return secrets.filter(({ length }) => length >= secretCharsMin).sort((a, b) => b.length - a.length);
}

/** The findings without secrets and line ends: the last line of defence, since no message is meant to have any. */
export function withoutSecrets(
  findings: readonly Finding[],
  environment: Readonly<Record<string, string | undefined>>,
): Finding[] {
  const secrets = secretsIn(environment);
  const clean = (text: string) =>
    secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, hidden), text).replace(/\s+/g, ' ');
  return findings.map((finding) => ({
    ...finding,
    message: clean(finding.message),
    mend: finding.mend === null ? null : clean(finding.mend),
    figures: Object.fromEntries(
      Object.entries(finding.figures).map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value]),
    ),
  }));
}

const longest = (words: readonly string[]): number => Math.max(...words.map(({ length }) => length));

/** One line for each finding, and one for all. */
export function textReport(findings: readonly Finding[]): string {
  const names = longest(Object.keys(checkTable));
  const lines = findings.map(({ verdict, check, message, mend }) =>
    [verdict.padEnd('warning'.length), check.padEnd(names), message, mend ?? ''].join('  ').trimEnd(),
  );
  return `${[...lines, summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const [wrong, warned] = [count('failed'), count('warning')];
  if (wrong + warned === 0) return 'All is well.';
  return `Failed: ${wrong}. Warnings: ${warned}.`;
}

/** The report for programs: one JSON object. */
export function jsonReport(findings: readonly Finding[], version: string): string {
  return `${JSON.stringify({ status: worst(findings), version, checks: findings }, null, 2)}\n`;
}
