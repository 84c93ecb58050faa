/** What a client reads of a run in an answer. */
export type RunOnTheWire = { run_id: string; status: string; response: string | null; error: unknown };

/** The run in an answer. */
export const asJson = async (response: Response): Promise<RunOnTheWire> => (await response.json()) as RunOnTheWire;
