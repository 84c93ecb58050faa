import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is special about a vLLM. */
export type VllmOptions = {
  /** Calls that it works on at once; others wait in line, in the order in which they came. */
  maxNumSeqs: number;
};

/** Calls in a line, as a vLLM works on them, and what it tells about them. */
export function createVllm({ maxNumSeqs }: VllmOptions, modelName: string) {
  let running = 0;
  const line: (() => void)[] = [];

  const leave = (): void => {
    const next = line.shift();
    if (next) next();
    else running -= 1;
  };

  /** Resolves when it is the turn of the call, with what has to be called at its end; rejects when it is given up. */
  async function enter(signal: AbortSignal): Promise<() => void> {
    if (running < maxNumSeqs) {
      running += 1;
      return leave;
    }
    await new Promise<void>((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        line.splice(line.indexOf(go), 1);
        reject(signal.reason);
      };
      line.push(go);
      signal.addEventListener('abort', giveUp, { once: true });
    });
    return leave;
  }

  const gauge = (name: string, help: string, value: number) =>
    `# HELP vllm:${name} ${help}\n# TYPE vllm:${name} gauge\nvllm:${name}{engine="0",model_name="${modelName}"} ${value}.0\n`;

  const pages: Record<string, () => string> = {
    '/health': () => '',
    '/metrics': () =>
      gauge('num_requests_running', 'Number of requests in model execution batches.', running) +
      gauge('num_requests_waiting', 'Number of requests waiting to be processed.', line.length),
  };

  return {
    enter,
    /** Answers what is no part of OpenAI's API; false for what is. */
    answers(request: IncomingMessage, response: ServerResponse): boolean {
      const page = pages[request.url ?? ''];
      if (request.method !== 'GET' || page === undefined) return false;
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(page());
      return true;
    },
  };
}
