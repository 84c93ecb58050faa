import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Limits, ServerDefinition } from '../definition.ts';
import { installWheels, pythonIn } from '../install.ts';
import { freePort, startServer } from '../server-process.ts';
import { llamaCppLimits } from './llama-cpp-limits.ts';
import { xllamacpp } from './xllamacpp.ts';

// Not 1.107.0, which is known to be compromised.
const version = '1.106.12';
const apiKey = 'sk-local-gateway-0000';
/** Versions of all that it needs: with newer ones nobody has tried it. */
const requirements = fileURLToPath(new URL('./litellm-requirements.txt', import.meta.url));
const folderOf = (folder: string) => join(folder, `litellm-${version}`);

/** The gateway's only model is the one of the server behind it. */
const configFor = (baseUrl: string) => ({
  model_list: [
    {
      model_name: 'local',
      litellm_params: { model: 'openai/local', api_base: baseUrl, api_key: xllamacpp.apiKey },
    },
  ],
  general_settings: { master_key: apiKey },
  litellm_settings: { num_retries: 0 },
});

const dropsWeights = 'Responses drops `logit_bias`, without which the small model does not play its part';

const limits: Limits = {
  ...llamaCppLimits,
  'responses/tool': dropsWeights,
  'responses/tool-unstreamed': dropsWeights,
  'responses/two-tools': dropsWeights,
  'responses/empty': dropsWeights,
  'responses/empty-streamed': dropsWeights,
};

/** The LiteLLM proxy before llama.cpp's server. */
export const litellm: ServerDefinition = {
  name: 'litellm',
  version,
  title: `LiteLLM proxy ${version} (PyPI) before xllamacpp ${xllamacpp.version}`,
  apis: ['chat_completions', 'responses'],
  isQuick: true,
  apiKey,
  limits,
  async install(folder, tell) {
    await xllamacpp.install(folder, tell);
    await installWheels(folderOf(folder), `litellm[proxy]==${version}`, tell, [
      '--no-deps',
      '--requirement',
      requirements,
    ]);
  },
  async start(folder) {
    const behind = await xllamacpp.start(folder);
    const port = await freePort();
    const config = join(folderOf(folder), 'config.json');
    writeFileSync(config, JSON.stringify(configFor(behind.baseUrl)));
    const gateway = await startServer({
      program: 'python3',
      args: ['bin/litellm', '--config', config, '--host', '127.0.0.1', '--port', String(port)],
      cwd: folderOf(folder),
      env: { ...pythonIn(folderOf(folder)), LITELLM_LOCAL_MODEL_COST_MAP: 'True', DISABLE_ADMIN_UI: 'True' },
      ready: /Uvicorn running on (http:\/\/\S+)/,
    }).catch(async (error: unknown) => {
      await behind[Symbol.asyncDispose]();
      throw error;
    });
    return {
      baseUrl: gateway.baseUrl,
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]();
        await behind[Symbol.asyncDispose]();
      },
    };
  },
};
