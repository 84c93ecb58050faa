import type { Journal } from './journal.ts';
import { createTextCoalescer, type FlushTimer, type TextCoalescer } from './text-coalescer.ts';

/** A part of a summary of a model's reasoning: which part of its step it is, from 1. */
export type ReasoningPart = { readonly step: number; readonly part: number };
/** The answer of an agent used as a tool, or of any other nested run: its step, its scope and its agent. */
export type AgentAnswer = { readonly step: number; readonly scope: string; readonly agent: string | null };

/**
 * Text of models that is no part of the answer to the user: summaries of reasoning, and what agents used as tools say.
 * Each has events of its own. Most runs have neither.
 */
export class SideText {
  readonly #journal: Journal;
  readonly #reasoning: TextCoalescer<ReasoningPart>;
  readonly #agents: TextCoalescer<AgentAnswer>;

  constructor(journal: Journal, flushTimer: FlushTimer) {
    this.#journal = journal;
    this.#reasoning = createTextCoalescer<ReasoningPart>({
      flushTimer,
      emit: (part, delta) => journal.emit({ type: 'reasoning.delta', ...part, delta }),
    });
    this.#agents = createTextCoalescer<AgentAnswer>({
      flushTimer,
      emit: (answer, delta) => journal.emit({ type: 'agent.text.delta', ...answer, delta }),
    });
  }

  /** Adds text of a part of a summary. The same part is the same object. */
  addReasoning(part: ReasoningPart, delta: string): void {
    this.#reasoning.add(part, delta);
  }

  /** A part of a summary is complete. */
  endReasoning(part: ReasoningPart, text: string): void {
    this.flush();
    this.#journal.emit({ type: 'reasoning.completed', ...part, text });
  }

  /** Adds text of an agent used as a tool. The same answer is the same object. */
  addAgentText(answer: AgentAnswer, delta: string): void {
    this.#agents.add(answer, delta);
  }

  /** Withdraws the text of an agent used as a tool. */
  resetAgentText(answer: AgentAnswer, reason: string): void {
    this.flush();
    this.#journal.emit({ type: 'agent.text.reset', ...answer, reason });
  }

  /** Emits the pending text, before the events that follow it. */
  flush(): void {
    this.#reasoning.flush();
    this.#agents.flush();
  }
}
