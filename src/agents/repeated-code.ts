import type { Handoff } from '@openai/agents';
import type { AnyAgent } from './any-agent.ts';
import { declaredEffect } from './effect.ts';
import { RegistrationError } from './registration-error.ts';

/** Code of an agent that the SDK calls whenever a run is executed again, by the name of the option that has it. */
export type RepeatedCode = { option: string; code: object };

const asCode = (option: string, value: unknown): RepeatedCode[] =>
  typeof value === 'function' ? [{ option, code: value }] : [];

type Tool = { name: string; isEnabled?: unknown };

// The SDK makes a function of a constant `isEnabled`, which has no parameters.
const takesContext = ({ code }: RepeatedCode): boolean => (code as () => unknown).length > 0;

const ofHandoff = (entry: AnyAgent | Handoff): RepeatedCode[] =>
  'toolName' in entry ? asCode(`${entry.toolName}.inputFilter`, entry.inputFilter) : [];

/**
 * The functions of an agent whose results are not recorded: they are called at each approval and at each recovery, when
 * the run is executed again up to the point where it went on.
 */
export function repeatedCodeOf(agent: AnyAgent): RepeatedCode[] {
  return [
    ...asCode('instructions', agent.instructions),
    ...asCode('prompt', agent.prompt),
    ...asCode('toolUseBehavior', agent.toolUseBehavior),
    ...(agent.tools as Tool[]).flatMap(({ name, isEnabled }) =>
      asCode(`${name}.isEnabled`, isEnabled).filter(takesContext),
    ),
    ...(agent.handoffs as (AnyAgent | Handoff)[]).flatMap(ofHandoff),
  ];
}

/** The listeners of the lifecycle events of an agent. */
const hooksOf = (agent: AnyAgent): RepeatedCode[] => {
  const { eventEmitter } = agent as unknown as {
    eventEmitter?: { eventNames?(): unknown[]; listeners?(name: unknown): object[] };
  };
  return (eventEmitter?.eventNames?.() ?? []).flatMap((name) =>
    (eventEmitter?.listeners?.(name) ?? []).map((code) => ({ option: `on('${String(name)}')`, code })),
  );
};

/**
 * Refuses code that was declared to happen once and that cannot be recorded before it is called.
 *
 * @throws {RegistrationError} that names it
 */
export function assertRepeatable(name: string, agent: AnyAgent): void {
  for (const { option, code } of [...repeatedCodeOf(agent), ...hooksOf(agent)]) {
    if (declaredEffect(code) !== 'once') continue;
    throw new RegistrationError(
      `${name}: ${option} is declared once, but it is called again when the run is: at each approval and recovery, or ` +
        'after a crash for a hook. Do what must happen once in a tool, a guardrail or onHandoff.',
    );
  }
}
