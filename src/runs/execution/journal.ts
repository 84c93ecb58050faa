import type { Clock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { JournalEntries, Json, JsonRecord, Step, StoredEvent, Usage } from '../../storage/port/index.ts';
import type { RunEventBody } from '../events/events.ts';
import { RunStopped } from '../run-failure.ts';
import { addUsage, noUsage } from './usage.ts';

/** The first pause before a write that the store could not take is tried again, and the longest, in ms. */
const appendPauseMs = 100;
const appendPauseMaxMs = 1_000;

/** What a journal stands on. */
export type JournalDeps = {
  attempt: number;
  /** Aborts when the run is to end early, at the latest before its process's lease ends; limits how long is tried. */
  signal: AbortSignal;
  /** What earlier attempts recorded. */
  recorded: { steps: Step[]; events: StoredEvent[] };
  /** Records entries; false if another attempt has taken over. For `early` see `JournalStore.append`. */
  append(entries: JournalEntries, early: boolean): Promise<boolean>;
  /** Called with events once they are recorded: they may be shown from now on. */
  published(events: StoredEvent[]): void;
  /** Called when entries could not be recorded: the run must not go on here. */
  lost(error: unknown): void;
  /** Told of each write that became durable. Defaults to nobody. */
  flushed?(entries: number, tookMs: number): void;
  /** Told of each model call that was answered by a model. Defaults to nobody. */
  modelCalled?(step: Step): void;
  clock: Clock;
};

/** What is known of a step when it begins. */
export type StepStart = Pick<Step, 'key' | 'kind' | 'scope' | 'name' | 'agent' | 'callId' | 'effect' | 'input'> & {
  idempotencyKey?: string | null;
  requestDigest?: string | null;
};

/** How a step ended. */
export type StepEnd = Partial<
  Pick<Step, 'output' | 'isError' | 'error' | 'provider' | 'model' | 'usage' | 'costUsd' | 'firstTokenMs'>
> & { status: 'completed' | 'failed' | 'unknown' };

/** Resolves at the end of this tick. Not a turn of the event loop later: the stores wait for that themselves. */
const later = () => new Promise<void>((resolve) => process.nextTick(resolve));

/**
 * The journal of one run during one attempt: what earlier attempts recorded, what this one adds, and in which order it
 * becomes durable. Entries of one tick are recorded together; an event is shown only once it is recorded. That is durable
 * then, but for the first text of a step, which is shown as soon as it outlasts this process (`early`).
 */
export function createJournal({ attempt, signal, recorded, append, published, lost, clock, ...watchers }: JournalDeps) {
  /** Cuts the pause before another try short; made when one is needed. */
  let pausing: AbortController | null = null;
  let isClosed = false;
  const steps = new Map(recorded.steps.map((step) => [step.key, step]));
  const used = new Set<string>();
  const told = new Set(recorded.events.map(nameOfTold));
  let lastStep = Math.max(0, ...recorded.steps.map(({ step }) => step), ...recorded.events.map(stepOf));
  let lastSeq = Math.max(1, ...recorded.events.map(({ seq }) => seq)); // run.created is 1 and follows from the run
  let pendingSteps = new Map<string, Step>();
  let pendingEvents: StoredEvent[] = [];
  /** The last step that is recorded. */
  let recordedStep = Math.max(0, ...recorded.steps.map(({ step }) => step));
  /** The event that somebody waits for most: the first text of a step. */
  let firstText: StoredEvent | null = null;
  let flushing: Promise<void> | null = null;
  let writing: Promise<boolean> | null = null;
  let refused: RunStopped | null = null;

  function take(): JournalEntries {
    const entries = { steps: [...pendingSteps.values()].map((step) => ({ ...step })), events: pendingEvents };
    pendingSteps = new Map();
    pendingEvents = [];
    return entries;
  }

  /** What could not be recorded goes with the next write: nothing that was noted is left out. */
  function putBack({ steps: taken, events }: JournalEntries): void {
    pendingSteps = new Map([...taken.map((step) => [step.key, step] as const), ...pendingSteps]);
    pendingEvents = [...events, ...pendingEvents];
  }

  /**
   * Whether entries are a first text and nothing else, of the step that a store takes it to be of if it has lost it. Two
   * of them never follow one another: the step is recorded between them.
   */
  const isEarly = ({ steps: noted, events }: JournalEntries) =>
    firstText !== null &&
    noted.length === 0 &&
    events.length === 1 &&
    events[0] === firstText &&
    stepOf(firstText) === recordedStep + 1;

  const isPending = () => pendingSteps.size > 0 || pendingEvents.length > 0;

  /** Tries until the store takes it, however long that is away, or until the run is over. */
  async function appendPatiently(entries: JournalEntries): Promise<boolean> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await append(entries, isEarly(entries));
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (isClosed) throw error;
        pausing ??= new AbortController();
        const over = AbortSignal.any([signal, pausing.signal]);
        await clock.sleep(Math.min(appendPauseMaxMs, appendPauseMs * 2 ** tries), over).catch(() => {});
        if (over.aborted) throw error;
      }
    }
  }

  /** Records all that is pending, and what comes meanwhile, one write at a time. */
  async function drain(): Promise<void> {
    try {
      await later(); // what else happens in this tick goes with it
      while (isPending() && !isClosed) await write(take());
    } finally {
      flushing = null;
    }
  }

  async function write(entries: JournalEntries): Promise<void> {
    const startedMs = clock.monotonicMs();
    writing = appendPatiently(entries).catch((error: unknown) => {
      putBack(entries);
      throw error;
    });
    if (!(await writing)) {
      refused = new RunStopped('lease_lost');
      throw refused;
    }
    for (const { step } of entries.steps) recordedStep = Math.max(recordedStep, step);
    watchers.flushed?.(entries.steps.length + entries.events.length, clock.monotonicMs() - startedMs);
    published(entries.events);
  }

  /** Sees to it that what is pending is recorded; resolves when it is, or rejects, which `lost` is told of too. */
  function begin(): Promise<void> {
    if (flushing === null) {
      flushing = drain();
      flushing.catch(lost);
    }
    return flushing;
  }

  /**
   * Resolves when everything so far is durable, but for a first text on which nothing depends. Rejects if it cannot become
   * so: then the run must not go on.
   */
  function flush(): Promise<void> {
    if (refused) return Promise.reject(refused);
    if (isClosed) return Promise.reject(new RunStopped('cancelled')); // nothing may begin in a run that has ended
    return begin().then(() => (isPending() ? flush() : undefined));
  }

  /** Has what was noted recorded, though nobody waits for that. */
  function noted(): void {
    if (refused) lost(refused);
    else void begin();
  }

  /** Whether the step answered in this attempt, or happened inside a tool call that did as a whole. */
  function isMet({ key, scope }: Step): boolean {
    if (used.has(key)) return true;
    const around = scope.split('/').map((_, index, parts) => `t:${parts.slice(1, index + 1).join('/')}`);
    return around.some((call) => used.has(call));
  }

  function note(step: Step): void {
    if (isClosed) return; // code that outlives its run has no say in its record
    steps.set(step.key, step);
    pendingSteps.set(step.key, step);
    noted();
  }

  function tell({ type, ...data }: RunEventBody): StoredEvent | null {
    if (isClosed) return null;
    lastSeq += 1;
    const event = { seq: lastSeq, type, attempt, atMs: clock.nowMs(), data: data as unknown as JsonRecord };
    pendingEvents.push(event);
    noted();
    return event;
  }

  return {
    attempt,
    flush,

    /** The step recorded under this key, by this attempt or an earlier one. */
    find: (key: string): Step | undefined => steps.get(key),

    /** Notes that a recorded step answered instead of being executed; `drift` if the request was another one. */
    replayed(step: Step, drift: boolean): void {
      used.add(step.key);
      step.replayed += 1;
      step.drift ||= drift;
      note(step);
    },

    /** A number for a step that begins, the same one if it was begun before. */
    stepNumber: (key: string): number => steps.get(key)?.step ?? ++lastStep,

    /** Records that a step is about to happen, before it does. */
    intend(start: StepStart, number: number): Step {
      const step: Step = {
        ...emptyStep,
        ...start,
        idempotencyKey: start.idempotencyKey ?? null,
        requestDigest: start.requestDigest ?? null,
        step: number,
        attempt,
        startedAtMs: clock.nowMs(),
      };
      used.add(step.key);
      note(step);
      return step;
    },

    /** Records how a step ended. The first end counts: what comes later is dropped, and false. */
    end(step: Step, end: StepEnd): boolean {
      if (step.status !== 'started') return false;
      Object.assign(step, end, { attempt, durationMs: Math.max(0, clock.nowMs() - step.startedAtMs) });
      note(step);
      return true;
    },

    /** Records a step that is over, without an intent before. */
    record(start: StepStart, number: number, startedAtMs: number, end: StepEnd): Step {
      const durationMs = Math.max(0, clock.nowMs() - startedAtMs);
      const step: Step = {
        ...emptyStep,
        ...start,
        ...end,
        idempotencyKey: null,
        requestDigest: start.requestDigest ?? null,
        step: number,
        attempt,
        startedAtMs,
        durationMs,
      };
      used.add(step.key);
      note(step);
      if (step.kind === 'model_call') watchers.modelCalled?.(step);
      return step;
    },

    /** Numbers an event and records it. */
    tell: (body: RunEventBody): void => void tell(body),

    /** The same for the first text of a step, which somebody waits for. */
    tellFirstText(body: RunEventBody): void {
      firstText = tell(body);
    },

    /** As `tell`, unless an earlier attempt has told this already; `name` says which of its kind it is. */
    tellOnce(body: RunEventBody, name: string): void {
      const key = `${body.type} ${name}`;
      if (told.has(key)) return;
      told.add(key);
      tell(body);
    },

    /**
     * What is not recorded yet, to be recorded with the end of the run; `last` is numbered after it. Waits for a write
     * under way, but starts none: the end takes with it what came in its tick.
     */
    async close(last: { type: string; data?: JsonRecord } | null): Promise<JournalEntries> {
      isClosed = true;
      pausing?.abort('the run has ended'); // without a reason an error with its stack is made
      await writing?.catch(() => {});
      if (last) {
        lastSeq += 1;
        pendingEvents.push({ seq: lastSeq, type: last.type, attempt, atMs: clock.nowMs(), data: last.data ?? {} });
      }
      return take();
    },

    /** Tokens of all model calls that were answered, each counted once however often it was replayed. */
    usage: (): Usage =>
      [...steps.values()].reduce((sum, step) => (step.usage ? addUsage(sum, step.usage) : sum), noUsage),

    /** What all model calls that were answered have cost, in USD; null if that of one is not known, or there is none. */
    costUsd(): number | null {
      const costs = [...steps.values()].flatMap(({ usage, costUsd }) => (usage === null ? [] : [costUsd]));
      return costs.length === 0 || costs.includes(null)
        ? null
        : costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
    },

    /** What is known of the cost of all model calls that were answered, in USD, each counted once. */
    knownCostUsd: (): number => [...steps.values()].reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0),

    /** The model of the last model call. */
    lastModel: (): string | null => [...steps.values()].findLast((step) => step.kind === 'model_call')?.model ?? null,

    /** Every step, in the order in which they began. */
    steps: (): Step[] => [...steps.values()].sort((one, other) => one.step - other.step),

    /** Tool calls whose outcome a person has to say. */
    unknownCalls: (): Step[] => [...steps.values()].filter((step) => step.status === 'unknown'),

    /** Whether a recorded step met another request, or was not met at all by a run that came to its end. */
    drifted: (ended: boolean): boolean =>
      [...steps.values()].some((step) => step.drift || (ended && step.status !== 'started' && !isMet(step))),
  };
}

/** The journal of one run during one attempt. */
export type Journal = ReturnType<typeof createJournal>;

const emptyStep = {
  status: 'started' as const,
  replayed: 0,
  output: null as Json,
  isError: false,
  error: null as Json,
  provider: null,
  model: null,
  usage: null,
  costUsd: null,
  drift: false,
  firstTokenMs: null,
  durationMs: null,
};

const stepOf = ({ data }: StoredEvent): number => (typeof data.step === 'number' ? data.step : 0);

/** How an event is recognised by the attempt that would tell it again. */
function nameOfTold({ type, data }: StoredEvent): string {
  if (type === 'handoff') return `${type} ${data.ordinal}`;
  if (type === 'budget.warning') return `${type} ${data.scope} ${data.unit} ${data.period}`;
  return `${type} ${data.call_id ?? ''}`;
}
