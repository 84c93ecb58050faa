import { settingsTable } from '../platform/settings/settings-table.ts';
import { checkTable } from './checks.ts';
import { type Finding, type Verdict, worstVerdict } from './finding.ts';

/** Exit codes of `agent-service doctor`. */
export const exitCodes = { well: 0, wrong: 1, usage: 2 } as const;

/** A warning counts as a failure only with `strict`. */
export function exitCodeOf(findings: readonly Finding[], strict: boolean): number {
  const verdict = worstVerdict(findings);
  return verdict === 'failed' || (strict && verdict === 'warning') ? exitCodes.wrong : exitCodes.well;
}

const redacted = '[secret]';
/** Shorter values are too common to be redacted wherever they occur. */
const secretCharsMin = 6;

/** The secrets of an environment and the passwords in their URLs, the longest first. */
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

/** Redacts secrets and line breaks in the findings: the last line of defence, since no message should contain any. */
export function withoutSecrets(
  findings: readonly Finding[],
  environment: Readonly<Record<string, string | undefined>>,
): Finding[] {
  const secrets = secretsIn(environment);
  const clean = (text: string) =>
    secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, redacted), text).replace(/\s+/g, ' ');
  return findings.map((finding) => ({
    ...finding,
    message: clean(finding.message),
    remedy: finding.remedy === null ? null : clean(finding.remedy),
    details: Object.fromEntries(
      Object.entries(finding.details).map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value]),
    ),
  }));
}

const longestLength = (words: readonly string[]): number => Math.max(...words.map(({ length }) => length));

/** One line for each finding, and a summary. */
export function textReport(findings: readonly Finding[]): string {
  const nameWidth = longestLength(Object.keys(checkTable));
  const lines = findings.map(({ verdict, check, message, remedy }) =>
    [verdict.padEnd('warning'.length), check.padEnd(nameWidth), message, remedy ?? ''].join('  ').trimEnd(),
  );
  return `${[...lines, summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const [failures, warnings] = [count('failed'), count('warning')];
  if (failures + warnings === 0) return 'All is well.';
  return `Failed: ${failures}. Warnings: ${warnings}.`;
}

/** A finding under the names of the JSON report, which are public. */
const toFindingView = ({ check, verdict, message, remedy, details }: Finding) => ({
  check,
  verdict,
  message,
  mend: remedy,
  figures: details,
});

/** The report for programs: one JSON object. */
export function jsonReport(findings: readonly Finding[], version: string): string {
  return `${JSON.stringify({ status: worstVerdict(findings), version, checks: findings.map(toFindingView) }, null, 2)}\n`;
}
