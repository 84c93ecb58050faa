/**
 * Limits that only keep a test that hangs from waiting forever. They are far longer than anything takes on a machine whose
 * load is ten times its cores. No test passes or fails by them otherwise.
 */

/** How long a test waits for an event that has to come, such as a log line or a request, in ms. Defaults to 3 min. */
export const waitMsMax = 180_000;

/**
 * How long a test or a hook may take, in ms: 10 min, so that a wait fails first and reports what is missing; 1 h where
 * `FAULTS=long` makes tests long.
 */
export const testMsMax = process.env.FAULTS === 'long' ? 3_600_000 : 600_000;
