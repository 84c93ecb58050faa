import type { Step } from '../../storage/port/index.ts';

/**
 * The calls of lifecycle hooks in a run: what was called is recorded with the next step, and is not called again when the
 * run is executed again. A call is named by its scope, its event, its agent, its tool call if it has one, and how often it
 * happened before in this attempt: the SDK calls the hooks of an agent used as a tool again after each approval in it.
 */
export class HookRecord {
  readonly #called: Set<string>;
  #unrecorded: string[] = [];

  constructor(steps: readonly Step[]) {
    this.#called = new Set(steps.flatMap(({ changes }) => changes?.hooks ?? []));
  }

  /** Notes that a hook is called now; false if it was called in an earlier attempt. */
  call(name: string): boolean {
    if (this.#called.has(name)) return false;
    this.#called.add(name);
    this.#unrecorded.push(name);
    return true;
  }

  /** The calls since the last time that this was asked. */
  take(): string[] {
    const taken = this.#unrecorded;
    this.#unrecorded = [];
    return taken;
  }
}
