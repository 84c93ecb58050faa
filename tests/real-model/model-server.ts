import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningServer } from '../servers/definition.ts';
import { llamaServerProgram } from '../servers/definitions/llama-server.ts';
import { cacheFolder } from '../servers/install.ts';
import { modelFolder } from '../servers/model.ts';
import { startServer } from '../servers/server-process.ts';

/** How much text the model sees at once, in tokens. */
const contextTokens = 4_096;

/** How long an answer gets, in tokens. */
const answerTokensMax = 80;

/**
 * Where an answer ends in the transcript of chat-template.jinja. A base model does not end it by itself: it would go on
 * with the customer's next question, or with one more tool call.
 */
const stops = ['\nCustomer:', '</tool_call>'].flatMap((text) => ['--reverse-prompt', text]);

/** A model and the server for it. */
export type InstalledModel = { server: string; model: string; template: string | undefined };

/**
 * What `npm run test:servers -- --install llama-server` has installed, or `LLAMA_SERVER` (a `llama-server` of llama.cpp) and
 * `LLAMA_MODEL` (a GGUF file, which brings its own chat template); undefined where something is missing.
 */
export function findModel(env: NodeJS.ProcessEnv): InstalledModel | undefined {
  const folder = cacheFolder(env);
  const server = env.LLAMA_SERVER ?? llamaServerProgram(folder);
  const model = env.LLAMA_MODEL ?? join(modelFolder(folder), 'model.gguf');
  if (!existsSync(server) || !existsSync(model)) return undefined;
  const ownTemplate = fileURLToPath(new URL('./chat-template.jinja', import.meta.url));
  return { server, model, template: env.LLAMA_MODEL === undefined ? ownTemplate : undefined };
}

function argumentsFor({ model, template }: InstalledModel): string[] {
  return [
    ...['--model', model, '--host', '127.0.0.1', '--port', '0', '--jinja', '--temp', '0', '--threads', '1'],
    ...['--ctx-size', String(contextTokens), '--predict', String(answerTokensMax), '--parallel', '1'],
    ...(template === undefined ? [] : ['--chat-template-file', template, ...stops]),
  ];
}

/** Starts llama.cpp's server on a free port of 127.0.0.1 and waits until the model is loaded. */
export const startModelServer = (installed: InstalledModel): Promise<RunningServer> =>
  startServer({
    program: installed.server,
    args: argumentsFor(installed),
    cwd: process.cwd(),
    ready: /listening on (http:\/\/\S+)/,
  });
