/** The programs of docs/migrate.md, as their readers start them. */
import { expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { startService } from '../support/service.ts';
import { startModelServer } from './model-server.ts';
import { call, say } from './script.ts';

/** What a program of the guide prints. */
async function print(program: string[], env: Record<string, string> = {}): Promise<string> {
  await using command = startCommand(program, { program: [process.execPath], env });
  await command.closed;
  return command.output();
}

test('the script of the guide, and the service with its client, print the same answer of the same requests', async () => {
  await using server = await startModelServer();
  const env = {
    OPENAI_BASE_URL: server.baseUrl,
    OPENAI_API_KEY: 'sk-test',
    OPENAI_API: 'responses',
    OPENAI_DEFAULT_MODEL: 'gpt-4.1',
    OPENAI_AGENTS_DISABLE_TRACING: '1',
  };
  const script = [call('refund', { order_id: '7' }), say('Order 7 is refunded, Ada.')];

  server.follow(script);
  const before = await print(['examples/migrate/before.ts'], env);
  const asked = server.calls();

  server.follow(script);
  await using service = await startService({ app: 'examples/migrate/main.ts', env });
  const after = await print(['examples/migrate/client.ts', service.url]);

  expect([before, after]).toEqual(['Order 7 is refunded, Ada.\n', 'Order 7 is refunded, Ada.\n']);
  const inputs = (calls: typeof asked) => calls.map(({ body }) => body.instructions);
  expect(inputs(server.calls())).toEqual(inputs(asked));
  expect(asked).toHaveLength(2);
});
