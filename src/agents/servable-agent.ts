import { createRequire } from 'node:module';
import { Agent } from '@openai/agents';
import { RegistrationError } from './registration-error.ts';

/** Classes of agents that are no agents of text runs, with what to do instead. */
const otherKinds: Readonly<Record<string, string>> = {
  RealtimeAgent:
    'is a RealtimeAgent, which speaks over a RealtimeSession and has no runs. ' +
    'Serve an Agent; give sessions of the realtime API to your clients by a program of your own.',
  SandboxAgent:
    'is a SandboxAgent, whose sandbox sessions cannot be recorded or recovered. ' +
    'Serve an Agent; give it a shellTool(), or a function tool that calls your sandbox.',
};

/** The names of the classes of a value, from its own to that of the root. */
function classNames(value: unknown): string[] {
  const names: string[] = [];
  for (let at = value; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at)) {
    if (typeof at.constructor === 'function') names.push(at.constructor.name);
  }
  return names;
}

const looksLikeAgent = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'getAllTools' in value && 'handoffs' in value;

/** Whether a value was made by the CommonJS build of the SDK, which `require()` has loaded into this process. */
function isFromCommonJs(value: unknown): boolean {
  return Object.entries(createRequire(import.meta.url).cache).some(([file, module]) => {
    if (!file.includes('agents-core')) return false;
    const { Agent: Other } = (module?.exports ?? {}) as { Agent?: unknown };
    return typeof Other === 'function' && value instanceof Other;
  });
}

/**
 * Refuses what is no agent, agents of kinds that have no text runs, and agents of another instance of the SDK. The latter
 * would work, but none of their steps would be recorded: only the prototypes of this instance are patched.
 *
 * @param name how the message calls the value
 * @throws {RegistrationError} with what to do instead
 */
export function assertServable(name: string, value: unknown): void {
  const kind = classNames(value).find((each) => Object.hasOwn(otherKinds, each));
  if (kind !== undefined) throw new RegistrationError(`${name} ${otherKinds[kind]}`);
  if (value instanceof Agent) return;
  if (typeof value === 'function') {
    throw new RegistrationError(`${name} is a function. Make a workflow of it: workflow(async (ctx) => answer).`);
  }
  if (!looksLikeAgent(value)) throw new RegistrationError(`${name} is not an Agent of @openai/agents.`);
  if (isFromCommonJs(value)) {
    throw new RegistrationError(
      `${name} was made by require('@openai/agents'), the CommonJS build of the SDK; agent-service uses its ES module ` +
        'build, and Node keeps the two apart. Write the application as ES modules: import instead of require(), and ' +
        '"type": "module" in package.json or files named .mjs (TypeScript: also "module": "nodenext" in tsconfig.json).',
    );
  }
  throw new RegistrationError(
    `${name} is an Agent of another copy of @openai/agents than the one that agent-service uses, so that its runs ` +
      'could not be recorded. Have one copy in node_modules: "npm ls @openai/agents-core" shows who brings which.',
  );
}
