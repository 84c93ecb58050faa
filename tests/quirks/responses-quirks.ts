import type { Quirk } from './quirk.ts';

/** What servers send over Responses: the source of the tests and of the table in the documentation. */
export const responsesQuirks: Quirk[] = [];
