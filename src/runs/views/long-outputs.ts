import { randomUUID } from 'node:crypto';
import { type Json, JsonText, type Step } from '../../storage/port/index.ts';
import { shownJson, shownOutput } from '../tool-outputs/tool-output.ts';
import { type StepView, toStepView } from './step-view.ts';

/** The long results of tools in an answer, whose JSON is put in as it is recorded: megabytes are not parsed for it. */
export class LongOutputs {
  readonly #texts = new Map<string, string>();

  /** A step as the wire shows it, with something short in the place of a long result. */
  toView(step: Step): StepView {
    return toStepView(step, (output) => (output instanceof JsonText ? this.#standIn(output) : shownOutput(output)));
  }

  /** The JSON of an answer that has such steps. */
  stringify(answer: unknown): string {
    let json = JSON.stringify(answer);
    for (const [standIn, text] of this.#texts) json = json.replace(`"${standIn}"`, () => text);
    return json;
  }

  #standIn(output: JsonText): Json {
    const standIn = randomUUID();
    this.#texts.set(standIn, shownJson(output));
    return standIn;
  }
}
