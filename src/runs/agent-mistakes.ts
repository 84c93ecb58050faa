import { boundedName } from '../platform/bounded-name.ts';
import { describeUnknownTool } from '../platform/unknown-tool.ts';

const of = (agent: string | null): string => (agent === null ? 'the agent' : `the agent "${boundedName(agent)}"`);

/** The tool and the agent of the SDK's error for a call of a tool that the agent does not have; null for other errors. */
export function missingToolOf(error: Error): { tool: string; agent: string } | null {
  const [, tool, agent] = /^Tool (.+?) not found in agent (.+)\.$/s.exec(error.message) ?? [];
  return tool === undefined ? null : { tool: boundedName(tool), agent: boundedName(agent) };
}

/** What the SDK says of a call of a tool that is no function, for which the agent has no tool. */
const missingKind = /^Model produced (\w+) action without an? /;
const missingServer = /^MCP server \((.*)\) not found in Agent \(/s;

/**
 * What an answer of the model calls that its agent does not have, as a sentence: `error` is a `ModelBehaviorError` of the
 * SDK. Null for other mistakes.
 *
 * @param agent the agent whose model answered last; null if that is unknown
 */
export function unknownTool(error: Error, agent: string | null): string | null {
  const missing = missingToolOf(error);
  if (missing) return describeUnknownTool(`the tool "${missing.tool}"`, missing.agent);
  const [, kind] = missingKind.exec(error.message) ?? [];
  if (kind !== undefined) return describeUnknownTool(`a tool of the type ${kind}`, agent);
  const [, server] = missingServer.exec(error.message) ?? [];
  return server === undefined ? null : describeUnknownTool(`the MCP server "${boundedName(server)}"`, agent);
}

/**
 * What an answer of the model has that its agent cannot use, as a sentence: `error` is a `ModelBehaviorError` of the SDK.
 *
 * @param agent the agent whose model answered last; null if that is unknown
 */
export function unusableAnswer(error: Error, name: string, agent: string | null): string {
  if (error.message.startsWith('Invalid output type')) {
    const [, path] = /failed schema validation at "([^"]*)"/.exec(error.message) ?? [];
    const where = path === undefined ? '' : ` at "${boundedName(path)}"`;
    return `The model's answer does not fit the outputType of ${of(agent)}${where}.`;
  }
  return `The model answered in a way that ${of(agent)} cannot use (${name}).`;
}

/**
 * What the application asks of a model that its API does not have, as a sentence; null for an error of other kinds. The
 * SDK's models detect it before they send a request.
 *
 * @param agent the agent that made the model call; null if that is unknown
 */
export function unusableRequest(error: Error, isUserError: boolean, agent: string | null): string | null {
  if (error.message.startsWith('Hosted tools are not supported with the ChatCompletions API')) {
    const [, tool] = /"name":"([^"]+)"/.exec(error.message) ?? [];
    return (
      `Chat Completions has no hosted tools, such as "${boundedName(tool)}" of ${of(agent)}. ` +
      'Use the Responses API (OPENAI_API=responses) or a function tool.'
    );
  }
  return isUserError ? `The SDK refused a model call of ${of(agent)} (UserError). The log has the cause.` : null;
}
