import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerDefinition } from '../definition.ts';
import { installPython } from '../install.ts';
import { freePort, startServer } from '../server-process.ts';
import { xllamacpp } from './xllamacpp.ts';

// Not 1.107.0, which is known to be compromised.
const version = '1.106.12';
const apiKey = 'sk-local-gateway-0000';

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

/** The LiteLLM proxy before llama.cpp's server. */
export const litellm: ServerDefinition = {
  name: 'litellm',
  version,
  title: `LiteLLM proxy ${version} (PyPI) before xllamacpp ${xllamacpp.version}`,
  apis: ['chat_completions', 'responses'],
  isQuick: true,
  apiKey,
  async install(folder) {
    await xllamacpp.install(folder);
    await installPython(join(folder, 'litellm'), [`litellm[proxy]==${version}`]);
  },
  async start(folder) {
    const behind = await xllamacpp.start(folder);
    const port = await freePort();
    const config = join(folder, 'litellm/config.json');
    writeFileSync(config, JSON.stringify(configFor(behind.baseUrl)));
    const gateway = await startServer({
      program: join(folder, 'litellm/bin/litellm'),
      args: ['--config', config, '--host', '127.0.0.1', '--port', String(port)],
      cwd: join(folder, 'litellm'),
      env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', DISABLE_ADMIN_UI: 'True' },
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
