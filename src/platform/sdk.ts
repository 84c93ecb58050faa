import { setTraceProcessors, setTracingDisabled } from '@openai/agents';

/**
 * Takes back what importing the SDK does to a process: it sends traces, prompts included, to OpenAI whatever provider
 * is in use, and logs an error a batch where there is no key. Its handlers for signals and rejections stand aside as
 * soon as the process has handlers of its own, which `src/main.ts` installs.
 */
export function quietSdk(): void {
  setTracingDisabled(true);
  setTraceProcessors([]);
}
