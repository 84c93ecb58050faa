/**
 * The shapes that the store keeps. Times are integer milliseconds since the epoch on the database's clock. Values
 * typed `Json` are stored as JSON text and come back as they went in, whatever characters their strings hold.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json } | JsonText;

/**
 * JSON as its text, for a value that is only to be stored. The text is made at once, so that later changes of the value
 * do not matter, and only once, where a copy would have to be serialised as well. The store returns the value.
 */
export class JsonText {
  readonly text: string;

  /**
   * @param text its JSON, if that is made already
   * @throws {TypeError} if the value cannot be JSON
   */
  constructor(value: unknown, text = JSON.stringify(value)) {
    this.text = text;
  }

  /** The value that it was made from, as JSON has it. */
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** A JSON object. */
export type JsonRecord = { [key: string]: Json };

/** The states of a run. `src/runs/run-state.ts` holds the transitions. */
export const runStatuses = [
  'queued',
  'running',
  'requires_action',
  'completed',
  'failed',
  'cancelled',
  'timed_out',
] as const;

/** One of `runStatuses`. */
export type RunStatus = (typeof runStatuses)[number];

/** The statuses that a run does not leave again. */
export const finalStatuses = ['completed', 'failed', 'cancelled', 'timed_out'] as const satisfies RunStatus[];

/** One of `finalStatuses`. */
export type FinalStatus = (typeof finalStatuses)[number];

/** How the client receives the run: as an answer, as a stream, or by its id later. */
export const runModes = ['blocking', 'stream', 'background'] as const;

/** One of `runModes`. */
export type RunMode = (typeof runModes)[number];

/** Tokens over all model calls of a run, as the provider reported them. */
export type Usage = {
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  totalTokens: number;
};

/** No tokens at all. */
export const noUsage: Usage = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

/** Why a run did not complete: a code of `errorCatalogue`, its message, and whether a retry helps. */
export type RunError = { code: string; detail: string; retryable: boolean };

/**
 * The input of a run: one text of its user, or the SDK's message items, of which the last is the user's. `run-input.ts`
 * says how it is stored and how the model sees it. Of a stored run, large data of pictures, files and sounds is not part
 * of it: `input-data.ts` says what stands in its place, and `RunStore.inputData` reads it.
 */
export type RunInput = { readonly text: string } | { readonly items: readonly JsonRecord[] };

/** Options that a request gives for its run alone. */
export type RunOptions = JsonRecord;

/**
 * The data of a picture, a file or a sound in an input: a `data:` URL, or base64 in the case of a sound. It is stored
 * beside the run, so that whatever reads or lists runs does not read it; in its place the input holds the `marker`.
 */
export type InputData = { marker: string; data: string };

/** A run as it is stored. */
export type Run = {
  id: string;
  tenantId: string;
  sessionId: string | null;
  status: RunStatus;
  mode: RunMode;
  agent: string;
  lastAgent: string | null;
  /** The model of the last model call, as the provider named it. */
  model: string | null;
  simulated: boolean;
  input: RunInput;
  metadata: JsonRecord;
  /** The options that its request gave; null for none. */
  options: RunOptions | null;
  response: string | null;
  output: Json;
  /** Citations of the answer, as JSON; null for none. */
  annotations: Json;
  /** Files of the answer, as JSON; null for none. */
  files: Json;
  usage: Usage;
  costUsd: number | null;
  error: RunError | null;
  requiredAction: Json;
  drift: boolean;
  /** How many times the run was claimed; the fencing token of its executor's writes, see `RunAttempt`. */
  attempt: number;
  /** How many of those attempts ended in a dead process. */
  crashes: number;
  /** The process that executes the run; null while no process does. */
  ownerId: string | null;
  timeoutMs: number;
  /** A higher one is claimed earlier. Defaults to 0. */
  priority: number;
  /** Not claimed before this time; null: at once. */
  runAtMs: number | null;
  /** Items the session had when the run started; a replay reads the same history. */
  sessionSeqAtStart: number | null;
  requestId: string;
  appVersion: string;
  sdkVersion: string;
  /** The key that the run was made with, if that has budgets; null otherwise. */
  budgetKeyId: string | null;
  firstTokenMs: number | null;
  createdAtMs: number;
  startedAtMs: number | null;
  finishedAtMs: number | null;
};

/** The events of a run that a webhook can receive: its end, or that it waits for a person. */
export const webhookEvents = [
  'run.completed',
  'run.failed',
  'run.cancelled',
  'run.timed_out',
  'run.requires_action',
] as const;
/** One of `webhookEvents`. */
export type WebhookEvent = (typeof webhookEvents)[number];

/** Longest URL of a webhook, in characters. */
export const webhookUrlCharsMax = 2_000;

/** The receiver of a run's events, and which events it receives. */
export type Webhook = { url: string; events: readonly WebhookEvent[] };

/** The values of a run that its creation sets. */
export type NewRun = Pick<
  Run,
  | 'id'
  | 'tenantId'
  | 'sessionId'
  | 'mode'
  | 'agent'
  | 'simulated'
  | 'input'
  | 'metadata'
  | 'options'
  | 'timeoutMs'
  | 'requestId'
  | 'appVersion'
  | 'sdkVersion'
  | 'budgetKeyId'
  | 'priority'
  | 'runAtMs'
> & {
  /** The calling process; it owns the run if that starts at once. */
  ownerId: string;
  /** The caller's `Idempotency-Key`, the fingerprint of its request, and how long the pair is kept. */
  idempotency: { key: string; fingerprint: string; ttlMs: number } | null;
  /** How long the request waited before, in ms: the run counts as created so much earlier, its time too. Defaults to 0. */
  waitedMs?: number;
  /** The receiver of the run's end, or that it waits. Defaults to none. */
  webhook?: Webhook;
  /** The large data of the input. Defaults to none. */
  inputData?: readonly InputData[];
  /**
   * Whether the run begins with the last agent of its session in place of `agent`, if the session has one and the process
   * that begins the run has it (`ProcessInfo.agents`). It is decided when the run gets its session: runs that are before it
   * in the queue end with an agent of their own. Then `agent` and that of `started` are the agent that was decided on.
   * Defaults to false.
   */
  continues?: boolean;
  /** Data of `run.started`, which is recorded as event 2 with a run that starts at once. Defaults to no such event. */
  started?: JsonRecord;
};

/** One conversation. */
export type Session = {
  tenantId: string;
  id: string;
  createdAtMs: number;
  /** When a run of the session was last created, started or ended. */
  updatedAtMs: number;
  itemsCount: number;
  /** Runs that were created in the session, whatever their outcome. */
  runsCount: number;
  /** The last agent of the last run that ended with one. */
  lastAgent: string | null;
  /** The run that holds the session: running, or waiting for a person. */
  activeRunId: string | null;
  /** Over the runs that have ended. */
  usage: Usage;
  /** The sum over the ended runs whose cost is known; null while there is none. */
  costUsd: number | null;
};

/** One item of a conversation: the SDK's input item, numbered from 1 within its session. */
export type SessionItem = {
  seq: number;
  /** The run that added it; null for an item of an imported history. */
  runId: string | null;
  createdAtMs: number;
  item: JsonRecord;
};

/** A page of a list, and where the next one starts; `null` when this is the last. */
export type Page<T, Cursor> = { data: T[]; next: Cursor | null };
