import helmet from '@fastify/helmet';
import { type FastifyInstance, fastify } from 'fastify';

/**
 * The headers that helmet sets. `upgrade-insecure-requests` is left out: TLS ends before this process, and pages have to
 * load over plain HTTP on a private network too.
 */
async function headersOfHelmet(): Promise<Record<string, string>> {
  const probe = fastify();
  await probe.register(helmet, { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  probe.get('/', async (_request, reply) => reply.raw.getHeaders());
  return (await probe.inject('/')).json();
}

/**
 * Sets the headers that harden answers against misuse in browsers. They are the same for every answer, so they are
 * taken from helmet once, which would build them for each answer again.
 */
export async function registerSecurityHeaders(app: FastifyInstance): Promise<void> {
  const headers = await headersOfHelmet();
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}
