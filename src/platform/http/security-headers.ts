import helmet from '@fastify/helmet';
import { type FastifyInstance, fastify } from 'fastify';

/** What helmet sets. Who serves plain HTTP on a private network wants its pages to load; TLS ends before this process. */
async function headersOfHelmet(): Promise<Record<string, string>> {
  const probe = fastify();
  await probe.register(helmet, { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  probe.get('/', async (_request, reply) => reply.raw.getHeaders());
  return (await probe.inject('/')).json();
}

/**
 * Sets the headers that harden answers against misuse in browsers. They are the same for every answer, so helmet, which
 * builds them anew for each one, is asked once.
 */
export async function registerSecurityHeaders(app: FastifyInstance): Promise<void> {
  const headers = await headersOfHelmet();
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}
