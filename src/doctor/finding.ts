import type { CheckName } from './checks.ts';

/** How a check came out, the worst last. `skipped` is not an opinion. */
export const verdicts = ['skipped', 'ok', 'warning', 'failed'] as const;

/** One of {@link verdicts}. */
export type Verdict = (typeof verdicts)[number];

/** Figures of a finding, for programs. */
export type Figures = Record<string, number | string | boolean | null>;

/** One line of the report. */
export type Finding = {
  check: CheckName;
  verdict: Verdict;
  /** What was found, as one sentence. */
  message: string;
  /** What to do about it, as one sentence. Null where there is nothing to do. */
  mend: string | null;
  figures: Figures;
};

/** A check that found nothing wrong. */
export const ok = (check: CheckName, message: string, figures: Figures = {}): Finding => ({
  check,
  verdict: 'ok',
  message,
  mend: null,
  figures,
});

/** A check that could not be made, or that does not apply. */
export const skipped = (check: CheckName, message: string): Finding => ({
  check,
  verdict: 'skipped',
  message,
  mend: null,
  figures: {},
});

/** Something that works now and may not work for long. */
export const warning = (check: CheckName, message: string, mend: string, figures: Figures = {}): Finding => ({
  check,
  verdict: 'warning',
  message,
  mend,
  figures,
});

/** Something that is wrong. */
export const failed = (check: CheckName, message: string, mend: string, figures: Figures = {}): Finding => ({
  check,
  verdict: 'failed',
  message,
  mend,
  figures,
});

/** The worst of the findings' verdicts; `ok` where there is nothing. */
export const worst = (findings: readonly Finding[]): 'ok' | 'warning' | 'failed' => {
  const has = (verdict: Verdict) => findings.some((finding) => finding.verdict === verdict);
  if (has('failed')) return 'failed';
  return has('warning') ? 'warning' : 'ok';
};
