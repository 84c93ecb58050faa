import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../support/child-processes.ts';
import type { Limits, RunningServer, ServerDefinition } from '../definition.ts';
import { compile, compilerJobs, fetchPackages, onceIn, type Tell, unpackPythonSource } from '../install.ts';
import { answerTokensMax, contextTokens, installModel, modelFolder, stopText } from '../model.ts';
import { freePort, startServer } from '../server-process.ts';

const version = '0.17.4';
const module = 'github.com/ollama/ollama';
const folderOf = (folder: string) => join(folder, `ollama-${version}`);
const programOf = (folder: string) => join(folderOf(folder), 'ollama');

/** How long the server may take to copy the model, in ms. */
const createMsMax = 120_000;

/** The Go that is installed, which would fetch another one. */
const goEnv = { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' };

/** A Go module has no folder that is called `vendor`: headers that Ollama includes from there come with llama.cpp. */
const headersFrom = { package: 'llama-cpp-python', version: '0.3.36', folder: 'vendor/llama.cpp/vendor' };

const template = fileURLToPath(new URL('./ollama-template.txt', import.meta.url));

const settings = (model: string): string => `FROM ${model}
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
  const file = join(folderOf(folder), 'Modelfile');
  writeFileSync(file, settings(join(modelFolder(folder), 'model.gguf')));
  const options = { env: { ...process.env, ...env }, timeoutMs: createMsMax };
  await runProgram(programOf(folder), ['create', 'local', '-f', file], options);
}

/** Fetches the module with all that it needs, into the module cache of Go. */
async function fetchModule(cwd: string, tell: Tell): Promise<void> {
  writeFileSync(join(cwd, 'go.mod'), 'module install\n');
  const fetching = { what: `fetching ${module}@v${version}`, program: 'go', args: ['get', `${module}@v${version}`] };
  await fetchPackages({ ...fetching, cwd, env: goEnv }, ['version'], tell);
}

async function install(folder: string, tell: Tell): Promise<void> {
  await installModel(folder, tell);
  const cwd = folderOf(folder);
  await onceIn(cwd, async () => {
    const sources = await unpackPythonSource(cwd, headersFrom.package, headersFrom.version, tell);
    await fetchModule(cwd, tell);
    const optimised = '-O2 -march=native';
    const step = {
      what: `compiling ollama ${version}`,
      program: 'go',
      args: ['build', '-v', '-p', compilerJobs(), '-o', programOf(folder), module],
      cwd,
      env: {
        ...goEnv,
        CGO_CPPFLAGS: `-I${join(sources, headersFrom.folder)}`,
        CGO_CFLAGS: optimised,
        CGO_CXXFLAGS: optimised,
      },
    };
    await compile(step, tell);
    rmSync(sources, { recursive: true });
  });
}

async function start(folder: string): Promise<RunningServer> {
  const port = await freePort();
  const home = join(folderOf(folder), 'home');
  mkdirSync(home, { recursive: true });
  const env = environment(home, port);
  const running = await startServer({
    program: programOf(folder),
    args: ['serve'],
    cwd: home,
    env,
    ready: /Listening on 127\.0\.0\.1/,
    baseUrl: `http://127.0.0.1:${port}/v1`,
  });
  try {
    await createModel(folder, env);
    return running;
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

const noWeights = 'it has no `logit_bias`, by which the small model is made to be silent';
const drops = 'it drops the middle of a conversation that is too long';

const limits: Limits = {
  'chat_completions/empty': noWeights,
  'chat_completions/empty-streamed': noWeights,
  'chat_completions/context-overflow': drops,
  'chat_completions/context-overflow-streamed': drops,
  'responses/empty': noWeights,
  'responses/empty-streamed': noWeights,
  'responses/context-overflow': drops,
  'responses/context-overflow-streamed': drops,
};

/** Ollama, compiled from its Go module. It checks no keys, and lets nobody choose a tool for the model. */
export const ollama: ServerDefinition = {
  name: 'ollama',
  version,
  title: `Ollama ${version} (Go module, compiled)`,
  apis: ['chat_completions', 'responses'],
  isQuick: false,
  limits,
  install,
  start,
};
