import type { CheckName } from './checks.ts';

/** The results of a check, the worst last. `skipped` is neutral. */
export const verdicts = ['skipped', 'ok', 'warning', 'failed'] as const;

/** One of {@link verdicts}. */
export type Verdict = (typeof verdicts)[number];

/** The measured values of a finding, for programs. */
export type FindingDetails = Record<string, number | string | boolean | null>;

/** One line of the report. `jsonReport` calls `remedy` and `details` `mend` and `figures`: those names are public. */
export type Finding = {
  check: CheckName;
  verdict: Verdict;
  /** What was found, as one sentence. */
  message: string;
  /** What to do about it, as one sentence. Null if there is nothing to do. */
  remedy: string | null;
  details: FindingDetails;
};

/** A check that found nothing wrong. */
export const ok = (check: CheckName, message: string, details: FindingDetails = {}): Finding => ({
  check,
  verdict: 'ok',
  message,
  remedy: null,
  details,
});

/** A check that cannot be made, or does not apply. */
export const skipped = (check: CheckName, message: string): Finding => ({
  check,
  verdict: 'skipped',
  message,
  remedy: null,
  details: {},
});

/** Something that works now but may fail soon. */
export const warning = (check: CheckName, message: string, remedy: string, details: FindingDetails = {}): Finding => ({
  check,
  verdict: 'warning',
  message,
  remedy,
  details,
});

/** Something that is wrong. */
export const failed = (check: CheckName, message: string, remedy: string, details: FindingDetails = {}): Finding => ({
  check,
  verdict: 'failed',
  message,
  remedy,
  details,
});

/** The worst verdict of the findings; `ok` if there are none. */
export const worstVerdict = (findings: readonly Finding[]): 'ok' | 'warning' | 'failed' => {
  const has = (verdict: Verdict) => findings.some((finding) => finding.verdict === verdict);
  if (has('failed')) return 'failed';
  return has('warning') ? 'warning' : 'ok';
};
