import type { IncomingHttpHeaders } from 'node:http';
import type { ReplySource } from './script.ts';

/** How many requests are remembered; the oldest is forgotten first. The counts go on. */
export const recordedRequestsMax = 1_000;

/** Headers that every request has and no test asks about. */
const boringHeaders = new Set(['host', 'connection', 'content-length', 'accept-encoding', 'accept-language']);

/** A request that the fake received. Times are milliseconds since the Unix epoch. */
export type RecordedRequest = {
  /** From 1, in the order of arrival. */
  number: number;
  method: string;
  /** Without the query. */
  path: string;
  headers: Record<string, string>;
  /** The body as JSON; null when there was none or it was no JSON object. */
  body: Record<string, unknown> | null;
  model: string | null;
  streamed: boolean;
  /** The `x-request-id` of the answer. */
  requestId: string;
  /** What decided the answer; `refused` when the request itself was wrong; null while undecided. */
  source: ReplySource | 'refused' | null;
  /** The HTTP status; null while no headers were sent. */
  status: number | null;
  /** `aborted`: the client disconnected before the end; `faulted`: the fake cut the answer off, as scripted. */
  outcome: 'in_flight' | 'completed' | 'aborted' | 'faulted';
  /** How many tokens were written, in a stream. */
  tokensSent: number;
  receivedAtMs: number;
  headersAtMs: number | null;
  firstTokenAtMs: number | null;
  endedAtMs: number | null;
};

/** Counts over all requests since the start or the last reset. */
export type Stats = {
  requests: number;
  inFlight: number;
  /** The most that were ever in flight at once. */
  inFlightMax: number;
  completed: number;
  aborted: number;
  faulted: number;
  byPath: Record<string, number>;
  byModel: Record<string, number>;
  byStatus: Record<string, number>;
};

const emptyStats = (): Stats => ({
  requests: 0,
  inFlight: 0,
  inFlightMax: 0,
  completed: 0,
  aborted: 0,
  faulted: 0,
  byPath: {},
  byModel: {},
  byStatus: {},
});

const raise = (counts: Record<string, number>, key: string) => {
  counts[key] = (counts[key] ?? 0) + 1;
};

function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !boringHeaders.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

/** What the server says about one request as it goes on. */
export type Recording = {
  readonly record: Readonly<RecordedRequest>;
  body(body: Record<string, unknown>): void;
  decided(source: RecordedRequest['source']): void;
  headersSent(status: number): void;
  tokenSent(): void;
  /** The first call counts; later ones are ignored. */
  ended(outcome: 'completed' | 'aborted' | 'faulted'): void;
};

/**
 * Remembers requests and counts them.
 *
 * @param nowMs the time in ms since the epoch
 * @param onChange called after every change that a test may wait for
 */
export function createRecorder(nowMs: () => number, onChange: () => void) {
  const requests: RecordedRequest[] = [];
  const stats = emptyStats();

  const recordingOf = (record: RecordedRequest): Recording => ({
    record,
    body(body) {
      record.body = body;
      record.model = typeof body.model === 'string' ? body.model : null;
      record.streamed = body.stream === true;
      if (record.model !== null) raise(stats.byModel, record.model);
      onChange();
    },
    decided(source) {
      record.source = source;
      onChange();
    },
    headersSent(status) {
      Object.assign(record, { status, headersAtMs: nowMs() });
      raise(stats.byStatus, String(status));
      onChange();
    },
    tokenSent() {
      record.tokensSent++;
      record.firstTokenAtMs ??= nowMs();
      onChange();
    },
    ended(outcome) {
      if (record.outcome !== 'in_flight') return;
      Object.assign(record, { outcome, endedAtMs: nowMs() });
      stats.inFlight--;
      stats[outcome]++;
      onChange();
    },
  });

  return {
    /** Starts the record of a request. */
    begin(request: { method: string; path: string; headers: IncomingHttpHeaders; requestId: string }): Recording {
      stats.requests++;
      stats.inFlight++;
      stats.inFlightMax = Math.max(stats.inFlightMax, stats.inFlight);
      raise(stats.byPath, request.path);
      const record: RecordedRequest = {
        ...request,
        number: stats.requests,
        headers: keptHeaders(request.headers),
        body: null,
        model: null,
        streamed: false,
        source: null,
        status: null,
        outcome: 'in_flight',
        tokensSent: 0,
        receivedAtMs: nowMs(),
        headersAtMs: null,
        firstTokenAtMs: null,
        endedAtMs: null,
      };
      requests.push(record);
      if (requests.length > recordedRequestsMax) requests.shift();
      onChange();
      return recordingOf(record);
    },
    requests: (): readonly RecordedRequest[] => requests,
    stats: (): Stats => stats,
  };
}

/** See createRecorder. */
export type Recorder = ReturnType<typeof createRecorder>;
