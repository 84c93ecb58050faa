/** A name as it may stand in an error for clients: names come from models too, thus their length and characters are bounded. */
export function boundedName(name: unknown): string {
  const text = typeof name === 'string' ? name.slice(0, 200).replace(/[^\p{L}\p{N} _.:/-]/gu, '?') : '';
  return [...text].slice(0, 64).join('') || 'unnamed';
}

const of = (agent: string | null): string => (agent === null ? 'the agent' : `the agent "${boundedName(agent)}"`);

/** The tool and the agent of the SDK's error for a call of a tool that the agent does not have; null for other errors. */
export function missingToolOf(error: Error): { tool: string; agent: string } | null {
  const [, tool, agent] = /^Tool (.+?) not found in agent (.+)\.$/s.exec(error.message) ?? [];
  return tool === undefined ? null : { tool: boundedName(tool), agent: boundedName(agent) };
}

/**
 * What an answer of the model has that its agent cannot use, as a sentence: `error` is a `ModelBehaviorError` of the SDK.
 *
 * @param agent the agent whose model answered last; null if that is unknown
 */
export function unusableAnswer(error: Error, name: string, agent: string | null): string {
  const missing = missingToolOf(error);
  if (missing) return `The model called the tool "${missing.tool}", which the agent "${missing.agent}" does not have.`;
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
