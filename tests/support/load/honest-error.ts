import { type ErrorCode, errorCatalogue } from '../../../src/platform/errors.ts';

/** The members of a problem document that clients act on. */
export type Problem = { code?: string; status?: number; run_id?: string; active_run_id?: string };

/** The problem document of an answer; empty where it is none. */
export function problemIn(body: string): Problem {
  try {
    return JSON.parse(body) as Problem;
  } catch {
    return {};
  }
}

/** In how many ms the answer asks to come back; null where it does not say. */
export function retryAfterMs(headers: Headers): number | null {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

/** What is wrong with an answer that refuses something (RFC 9457, and the promises of `docs/errors.md`); in words. */
export function dishonest(response: Response, body: string): string[] {
  const { code = '', status } = problemIn(body);
  const wrong: string[] = [];
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json')) wrong.push(`its content-type is "${type}"`);
  const entry = errorCatalogue[code as ErrorCode];
  if (!entry) wrong.push(`its code "${code}" is in no catalogue`);
  else if (entry.status !== response.status || status !== response.status) {
    wrong.push(`its status is ${response.status}, its document says ${status}, the catalogue ${entry.status}`);
  }
  const comesBackMs = retryAfterMs(response.headers);
  if ([429, 503].includes(response.status) && !(comesBackMs !== null && comesBackMs >= 1000)) {
    wrong.push('it does not say when to come back');
  }
  return wrong.map((why) => `an answer ${response.status} is not honest: ${why}: ${body.slice(0, 300)}`);
}
