import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnProcess } from '../support/child-processes.ts';

/** How long the model may take to load. */
const loadMsMax = 120_000;

/** How many lines of the server's log are shown when it fails. */
const logLinesMax = 20;

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

/** A running model server. */
export type ModelServer = { baseUrl: string; [Symbol.asyncDispose](): Promise<void> };

/** Where install.sh puts its files. */
export const installDir = (env: NodeJS.ProcessEnv): string =>
  env.REAL_MODEL_DIR ?? join(homedir(), '.cache/agent-service/real-model');

/**
 * What install.sh has installed, or `LLAMA_SERVER` (a `llama-server` of llama.cpp) and `LLAMA_MODEL` (a GGUF file,
 * which brings its own chat template); undefined where something is missing.
 */
export function findModel(env: NodeJS.ProcessEnv): InstalledModel | undefined {
  const server = env.LLAMA_SERVER ?? join(installDir(env), 'llama-server');
  const model = env.LLAMA_MODEL ?? join(installDir(env), 'model.gguf');
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

/** The address that the server names when it is ready; rejects with the end of its log when it ends before. */
async function address(child: ChildProcess): Promise<string> {
  const log: string[] = [];
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The model server ${why}:\n${log.join('\n')}`));
    AbortSignal.timeout(loadMsMax).addEventListener('abort', () => fail('did not get ready'));
    child.once('exit', (code) => fail(`ended with code ${code}`));
    child.once('error', (error) => fail(`did not start (${error.message})`));
    lines.on('line', (line) => {
      log.push(line);
      if (log.length > logLinesMax) log.shift();
      const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/** Starts llama.cpp's server on a free port of 127.0.0.1 and waits until the model is loaded. */
export async function startModelServer(installed: InstalledModel): Promise<ModelServer> {
  const child = spawnProcess(installed.server, argumentsFor(installed), { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  try {
    return { baseUrl: `${await address(child)}/v1`, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
