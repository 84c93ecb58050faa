import {
  BatchTraceProcessor,
  getDefaultOpenAIClient,
  getGlobalTraceProvider,
  type Model,
  OpenAIChatCompletionsModel,
  OpenAIProvider,
  OpenAIResponsesWSModel,
  Runner,
  type TracingProcessor,
} from '@openai/agents';
import { RegistrationError } from '../agents/index.ts';
import type { Settings } from '../platform/settings/settings.ts';

/**
 * The provider of runners that are given none; null if it is no `OpenAIProvider`. The SDK does not show it, so that it is
 * asked for a model, by a method that does nothing but tell the provider.
 */
function defaultProvider(): OpenAIProvider | null {
  const { getModel } = OpenAIProvider.prototype;
  let found: OpenAIProvider | null = null;
  OpenAIProvider.prototype.getModel = async function (this: OpenAIProvider) {
    found = this;
    return {} as Model;
  };
  try {
    Promise.resolve(new Runner().config.modelProvider.getModel('any')).catch(() => {});
  } catch {
    // a provider of the application's own
  } finally {
    OpenAIProvider.prototype.getModel = getModel;
  }
  return found;
}

/** The SDK's own one: this module is loaded before the application, unless another program than ours starts it. */
const providerAtLoad = defaultProvider();

/** Whether another copy of the SDK has added it, which does so when it is loaded. */
const isOfAnotherCopy = (processor: TracingProcessor): boolean =>
  processor.constructor.name === BatchTraceProcessor.name && !(processor instanceof BatchTraceProcessor);

/** Keeps the trace processors that are added from now on; the SDK does not tell which ones it has. */
function watchTraceProcessors() {
  const provider = getGlobalTraceProvider();
  const set = provider.setProcessors.bind(provider);
  const register = provider.registerProcessor.bind(provider);
  let added: TracingProcessor[] = [];
  provider.setProcessors = (processors) => {
    added = [...processors];
    set(processors);
  };
  provider.registerProcessor = (processor) => {
    added.push(processor);
    register(processor);
  };
  return { added: () => added.filter((each) => !isOfAnotherCopy(each)) };
}

const traceProcessors = watchTraceProcessors();

/** The key that was given to the SDK in code; undefined if it has none, or the one of the environment. */
async function keyInCode(environmentKey: string | undefined): Promise<string | undefined> {
  try {
    const model = await new OpenAIProvider({ useResponses: true, useResponsesWebSocket: false }).getModel('any');
    const { apiKey } = (model as unknown as { _client: { apiKey: string } })._client;
    return apiKey === environmentKey ? undefined : apiKey;
  } catch {
    return undefined; // the client of the `openai` package throws where there is no key
  }
}

/** What the SDK was configured to in code, and what to do instead, in sentences. */
async function findIgnored(openai: Settings['openai'], environmentKey: string | undefined): Promise<string[]> {
  const found: string[] = [];
  const provider = defaultProvider();
  const client = getDefaultOpenAIClient();
  if (provider === null || provider !== providerAtLoad) {
    found.push(
      'setDefaultModelProvider(): name the server by OPENAI_BASE_URL or by the providers option, or give each agent ' +
        'a model of the provider (model: await provider.getModel(name)).',
    );
  }
  if (client !== undefined) {
    found.push('setDefaultOpenAIClient(): set OPENAI_BASE_URL and OPENAI_API_KEY, or use the providers option.');
  } else {
    const key = await keyInCode(environmentKey);
    if (key !== undefined && key !== openai.apiKey) found.push('setDefaultOpenAIKey(): set OPENAI_API_KEY.');
  }
  const model = await new OpenAIProvider({ apiKey: 'unused' }).getModel('any');
  if (model instanceof OpenAIChatCompletionsModel && openai.api !== 'chat_completions') {
    found.push("setOpenAIAPI('chat_completions'): set OPENAI_API=chat_completions.");
  }
  if (model instanceof OpenAIResponsesWSModel) {
    found.push("setOpenAIResponsesTransport('websocket'): remove it; calls are sent by HTTP.");
  }
  if (traceProcessors.added().length > 0) {
    found.push(
      'setTraceProcessors() or addTraceProcessor(): call it in the onStart option, with setTracingDisabled(false).',
    );
  }
  return found;
}

/**
 * Refuses what the application has configured in the SDK before `serve()`, and what the service would not heed: its
 * settings and options say how models are called and where traces go.
 *
 * @param environmentKey `OPENAI_API_KEY` as the SDK reads it
 * @throws {RegistrationError} that says what to do instead
 */
export async function assertNothingIgnored(
  openai: Settings['openai'],
  environmentKey: string | undefined,
): Promise<void> {
  const found = await findIgnored(openai, environmentKey);
  if (found.length === 0) return;
  throw new RegistrationError(
    [
      'These calls before serve() have no effect on the service:',
      ...found.map((each) => `  ${each}`),
      'Where code of your own needs one of them, such as a tool, call it in the onStart option.',
    ].join('\n'),
  );
}
