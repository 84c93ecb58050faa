import { type DirectiveStep, parseDirectives } from './directives.ts';
import { callsSinceUser, lastToolOutput, lastUserText, type ModelCall, turnNumber } from './model-call.ts';
import { assertRule, type Condition, isRule, type Reply, type Rule, type ScriptEntry, toReply } from './reply.ts';
import { exampleOf } from './schema-example.ts';

/** How many rules and queued replies a script holds. */
const entriesMax = 10_000;

/** How many different requests `[[fail 503 2]]` is counted for; the oldest is forgotten first. */
const countedRequestsMax = 10_000;

/** How many characters of the message the default answer repeats. */
const echoedCharsMax = 200;

/** Where a reply came from. */
export type ReplySource = 'rule' | 'queue' | 'directive' | 'default';

/** A reply and where it came from. */
export type Chosen = { reply: Reply; source: ReplySource };

type LiveRule = { rule: Rule; matched: number; used: number };

/** What a condition is checked against; `call` is undefined for `GET /v1/models`. */
type Subject = { call: ModelCall | undefined };

function holds(when: Condition, { call }: Subject): boolean {
  if (call === undefined) return when.api === 'models';
  const contains = (text: string | undefined, part: string | undefined) => part === undefined || text?.includes(part);
  return (
    (when.api === undefined || when.api === call.api) &&
    (when.model === undefined || when.model === call.model) &&
    (when.streamed === undefined || when.streamed === call.streamed) &&
    (when.turn === undefined || when.turn === turnNumber(call)) &&
    contains(call.instructions, when.agentInstructionsContain) === true &&
    contains(lastUserText(call), when.lastUserContains) === true &&
    contains(lastToolOutput(call), when.lastToolOutputContains) === true
  );
}

function callsOf(reply: Reply): number {
  return (reply.toolCalls?.length ?? 0) + (reply.handoffTo === undefined ? 0 : 1);
}

/** The first step whose tool calls the conversation does not have yet; undefined when all have been carried out. */
function currentStep<T>(steps: T[], replyOf: (step: T) => Reply, callsMade: number): T | undefined {
  let before = 0;
  for (const step of steps) {
    if (callsMade <= before) return step;
    before += callsOf(replyOf(step));
  }
  // A step that calls no tool leaves no trace to count; it can only be the last one.
  const last = steps.at(-1);
  return last !== undefined && callsOf(replyOf(last)) === 0 ? last : undefined;
}

/** The answer of a model without a script: the smallest value of the schema, or an echo. */
function defaultReply(call: ModelCall, userText: string): Reply {
  if (call.outputSchema !== undefined) return { json: exampleOf(call.outputSchema) };
  const output = lastToolOutput(call);
  const [what, text] = output === undefined ? ['You said', userText] : ['The tool answered', output];
  return { text: `${what}: ${text.slice(0, echoedCharsMax)}` };
}

/** Counts how often each key came, for a bounded number of keys. */
function createOccurrences(): (key: string) => number {
  const counts = new Map<string, number>();
  return (key) => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.delete(key);
    counts.set(key, count);
    if (counts.size > countedRequestsMax) counts.delete(counts.keys().next().value ?? key);
    return count;
  };
}

function fromDirective(step: DirectiveStep, occurrence: () => number, fallback: () => Reply): Reply {
  if (step.fail !== undefined && occurrence() <= step.fail.times) {
    return { ...step.reply, error: { status: step.fail.status } };
  }
  return step.answers ? step.reply : { ...fallback(), ...step.reply };
}

/**
 * Decides what each request is answered with: the first rule that matches; else the next reply of the queue; else the
 * directives in the last user message; else an echo of that message or of the tools' results. Rules and queue serve
 * `GET /v1/models` only where a rule's condition names it.
 */
export function createScript() {
  const rules: LiveRule[] = [];
  const queue: Reply[] = [];
  const occurrences = createOccurrences();

  const matchRule = (call: ModelCall | undefined): Chosen | undefined => {
    for (const live of rules) {
      const { rule } = live;
      const step = rule.turns && call && currentStep(rule.turns, toReply, callsSinceUser(call));
      const spec = rule.turns ? step : rule.reply;
      if (spec === undefined || live.used >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
      if (!holds(rule.when ?? {}, { call })) continue;
      live.matched++;
      if (rule.when?.nth !== undefined && rule.when.nth !== live.matched) continue;
      live.used++;
      return { reply: toReply(spec), source: 'rule' };
    }
    return undefined;
  };

  return {
    /** Adds rules and queued replies. Throws an Error when an entry has an unknown field or there are too many. */
    add(entries: ScriptEntry[]): void {
      if (rules.length + queue.length + entries.length > entriesMax) {
        throw new Error(`A script has at most ${entriesMax} entries.`);
      }
      for (const entry of entries) if (isRule(entry)) assertRule(entry);
      for (const entry of entries) {
        if (isRule(entry)) rules.push({ rule: entry, matched: 0, used: 0 });
        else queue.push(toReply(entry));
      }
    },
    /** The reply to a request; `digest` stands for its body. */
    replyTo(call: ModelCall, digest: string): Chosen {
      const scripted = matchRule(call);
      if (scripted !== undefined) return scripted;
      const queued = queue.shift();
      if (queued !== undefined) return { reply: queued, source: 'queue' };
      const { steps, rest } = parseDirectives(lastUserText(call));
      const fallback = () => defaultReply(call, rest);
      const step = currentStep(steps, ({ reply }) => reply, callsSinceUser(call));
      if (step === undefined) return { reply: fallback(), source: 'default' };
      return { reply: fromDirective(step, () => occurrences(digest), fallback), source: 'directive' };
    },
    /** The reply to `GET /v1/models`; undefined for the usual list. */
    replyToModels: (): Chosen | undefined => matchRule(undefined),
  };
}

/** See createScript. */
export type Script = ReturnType<typeof createScript>;
