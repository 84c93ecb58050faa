import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../support/child-processes.ts';
import type { RunningServer, ServerDefinition } from '../definition.ts';
import { answerTokensMax, contextTokens, installModel, installPythonSource, onceIn, stopText } from '../install.ts';
import { freePort, startServer } from '../server-process.ts';

const version = '0.17.4';
const jobs = () => process.env.JOBS ?? '2';

/** A Go module has no folder that is called `vendor`: headers that Ollama includes from there come with llama.cpp. */
const headersFrom = { package: 'llama-cpp-python', version: '0.3.36', folder: 'vendor/llama.cpp/vendor' };

const template = fileURLToPath(new URL('./ollama-template.txt', import.meta.url));

const settings = (): string => `FROM ./model.gguf
PARAMETER num_ctx ${contextTokens}
PARAMETER num_predict ${answerTokensMax}
PARAMETER temperature 0
PARAMETER stop "${stopText}"
PARAMETER stop "\nResult:"
TEMPLATE """${readFileSync(template, 'utf8').trimEnd()}"""
`;

/** What the server and its command need: its address, and a home of its own. */
const environment = (home: string, port: number): NodeJS.ProcessEnv => ({
  HOME: home,
  OLLAMA_HOST: `127.0.0.1:${port}`,
  OLLAMA_MODELS: join(home, 'models'),
  OLLAMA_NUM_PARALLEL: '1',
});

/** Makes the server know the model under the name `local`. */
async function createModel(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const file = join(folder, 'ollama/Modelfile');
  writeFileSync(file, settings());
  const cwd = await installModel(folder);
  await runProgram(join(folder, 'ollama/bin/ollama'), ['create', 'local', '-f', file], {
    cwd,
    env: { ...process.env, ...env },
  });
}

async function install(folder: string): Promise<void> {
  const target = join(folder, 'ollama');
  if (existsSync(join(target, 'bin/ollama'))) return;
  mkdirSync(target, { recursive: true });
  const sources = await installPythonSource(join(target, 'headers'), headersFrom.package, headersFrom.version);
  const optimised = '-O2 -march=native';
  await onceIn(target, async () => {
    await runProgram('go', ['install', `github.com/ollama/ollama@v${version}`], {
      cwd: target,
      env: {
        ...process.env,
        GOBIN: join(target, 'bin'),
        GOFLAGS: `-p=${jobs()}`,
        CGO_CPPFLAGS: `-I${join(sources, headersFrom.folder)}`,
        CGO_CFLAGS: optimised,
        CGO_CXXFLAGS: optimised,
      },
    });
  });
}

async function start(folder: string): Promise<RunningServer> {
  const port = await freePort();
  const home = join(folder, 'ollama/home');
  mkdirSync(home, { recursive: true });
  const env = environment(home, port);
  const running = await startServer({
    program: join(folder, 'ollama/bin/ollama'),
    args: ['serve'],
    cwd: home,
    env,
    ready: /Listening on 127\.0\.0\.1/,
    baseUrl: `http://127.0.0.1:${port}/v1`,
  });
  await createModel(folder, env);
  return running;
}

/** Ollama, compiled from its Go module. It checks no keys, and lets nobody choose a tool for the model. */
export const ollama: ServerDefinition = {
  name: 'ollama',
  version,
  title: `Ollama ${version} (Go module, compiled)`,
  apis: ['chat_completions', 'responses'],
  isQuick: false,
  install,
  start,
};
