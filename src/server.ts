import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { type FastifyHttpOptions, type FastifyInstance, type FastifyReply, fastify, LogController } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { type AccessControlOptions, registerAccessControl } from './access/index.ts';
import { type AgentRegistry, agentRoutes } from './agents/index.ts';
import { type BudgetService, budgetRoutes } from './budgets/index.ts';
import { type Health, healthRoutes } from './health/index.ts';
import { type KeyRevocationWatch, type KeyService, keyRoutes } from './keys/index.ts';
import { ServiceError } from './platform/errors.ts';
import { registerErrors, sendProblem } from './platform/http/errors-plugin.ts';
import { completeDocument, type Document } from './platform/http/openapi.ts';
import { problemOf, problemType } from './platform/http/problem.ts';
import { registerSecurityHeaders } from './platform/http/security-headers.ts';
import type { Ids } from './platform/ids.ts';
import type { Logger } from './platform/logger.ts';
import type { Settings } from './platform/settings/settings.ts';
import {
  type EventFeed,
  type LoadSheddingOptions,
  type RunService,
  registerLoadShedding,
  runRoutes,
} from './runs/index.ts';
import { type SessionService, sessionRoutes } from './sessions/index.ts';
import { type WebhookService, webhookRoutes } from './webhooks/index.ts';

/** JSON may spend up to six bytes on a character of the message; the rest of the body is small. */
const bodyBytesPerChar = 6;
const bodyBytesBeside = 64 * 1024;
const headerBytesMax = 16 * 1024;
/**
 * How long the headers of a request may take to arrive, and the whole of it: slow clients hold no sockets. Streams out
 * are not bound by it. Node looks every `checkMs`.
 */
const arrivalDefault = { headersMs: 20_000, requestMs: 30_000, checkMs: 5_000 };
/** Longer than the idle time of common load balancers (60 s), so that they and not we end idle connections. */
const keepAliveMs = 72_000;
const paramCharsMax = 300;

/** What the API is built from. */
export type ServerParts = {
  settings: Settings;
  version: string;
  log: Logger;
  ids: Ids;
  agents: AgentRegistry;
  runs: RunService;
  feed: EventFeed;
  sessions: SessionService;
  keys: KeyService;
  budgets: BudgetService;
  webhooks: WebhookService;
  health: Health;
  access: AccessControlOptions;
  keyWatch: KeyRevocationWatch;
  /** What new runs are refused by when the process cannot keep up. */
  loadShedding: LoadSheddingOptions;
  /** How long requests may take to arrive, in ms. Defaults to half a minute. */
  arrival?: { headersMs: number; requestMs: number; checkMs: number };
  /** Aborts when open streams have to end. */
  closing: AbortSignal;
};

/** A request id of the caller's is kept if it is one, so that logs can be joined; anything else is not echoed. */
const requestIdPattern = /^[\w.:@/+=-]{1,128}$/;

/** A run leaves one line in the log when it ends; the server speaks up only when something is wrong. */
const quietLogging = (log: Logger) => ({
  loggerInstance: log.child({}, { level: atLeastWarn(log.level) }),
  logController: new LogController({ disableRequestLogging: true }),
});

const atLeastWarn = (level: string) => (['error', 'fatal', 'silent'].includes(level) ? level : 'warn');

function serverOptions({
  settings,
  log,
  ids,
  arrival: { headersMs, requestMs, checkMs } = arrivalDefault,
}: Pick<ServerParts, 'settings' | 'log' | 'ids' | 'arrival'>): FastifyHttpOptions<Server, Logger> {
  return {
    ...quietLogging(log),
    trustProxy: settings.trustProxy as boolean | string, // a number of hops too, which the types leave out
    bodyLimit: settings.inputCharsMax * bodyBytesPerChar + bodyBytesBeside,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    routerOptions: { maxParamLength: paramCharsMax },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: headerBytesMax, headersTimeout: headersMs, connectionsCheckingInterval: checkMs },
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && requestIdPattern.test(given) ? given : ids('req');
    },
    frameworkErrors: (error, request, reply) => {
      const reason = error.code === 'FST_ERR_BAD_URL' ? 'The URL is malformed.' : 'The request is malformed.';
      sendProblem(reply as FastifyReply, problemOf(new ServiceError('malformed_json', { reason }), request.id));
    },
    clientErrorHandler: answerBrokenRequest(ids),
  };
}

/** Answers what did not even parse as HTTP, on the bare socket. */
function answerBrokenRequest(ids: Ids) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const problem = problemOf(brokenRequest(error.code), ids('req'));
    const body = JSON.stringify(problem);
    socket.end(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\ncontent-type: ${problemType}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  };
}

function brokenRequest(code: string | undefined): ServiceError {
  if (code === 'HPE_HEADER_OVERFLOW') return new ServiceError('headers_too_large', {});
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ServiceError('request_timeout', {});
  return new ServiceError('malformed_json', { reason: 'The request is not valid HTTP.' });
}

/**
 * Headers that every answer has: which request it is for and, while draining, that the connection ends with it. Hooks
 * that wait for nothing call back instead of making a promise each, here and elsewhere: all requests pass them.
 */
function registerConnectionHeaders(app: FastifyInstance, health: Health): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // What is compressed may be of any size: it is not looked at.
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    if (encoding.toLowerCase() === 'identity') done();
    else done(new ServiceError('unsupported_media_type', { contentType: 'a compressed body' }));
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (health.isDraining()) reply.header('connection', 'close');
    done();
  });
}

/** Each operation names the scope that it asks for, as a role of this scheme (OpenAPI 3.1, Security Requirement). */
const securityScheme = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'ask_…',
  description:
    'An API key. Its scopes say what it is let in to do: run (make, cancel, decide, delete), read (look), admin (keys).',
} as const;

async function registerDocs(app: FastifyInstance, { settings, version }: ServerParts): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: settings.appName, version, description: 'Agents as a service.' },
      components: { securitySchemes: { apiKey: securityScheme } },
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      const { scope } = route.route.config ?? {};
      const asksForKey = settings.authMode === 'api_key' && scope !== undefined;
      return { schema: { ...schema, security: asksForKey ? [{ apiKey: [scope] }] : [] }, url };
    },
    transformObject: (document) => completeDocument(jsonSchemaTransformObject(document) as Document) as never,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

/**
 * Builds the API's server from its parts, ready for `listen` or `inject`; it does not listen itself. The zod schemas of
 * the routes are the one source of validation, types and the OpenAPI document.
 */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { settings, agents, runs, sessions, keys, health } = parts;
  const app = fastify(serverOptions(parts)).withTypeProvider<ZodTypeProvider>() as unknown as FastifyInstance;
  app.setValidatorCompiler(validatorCompiler);
  // Answers are typed by the same schemas; that they conform is for the tests to find out, not for every request.
  app.setSerializerCompiler(() => (payload) => JSON.stringify(payload));
  app.removeContentTypeParser('text/plain'); // the API speaks JSON alone
  registerErrors(app);
  registerConnectionHeaders(app, health);
  await registerSecurityHeaders(app);
  if (settings.corsOrigins.length > 0) await app.register(cors, corsOptions(settings.corsOrigins));
  await registerDocs(app, parts);
  await app.register(healthRoutes, { health });
  await app.register(
    async (api) => {
      registerLoadShedding(api, parts.loadShedding);
      registerAccessControl(api, parts.access);
      await api.register(runRoutes, {
        runs,
        feed: parts.feed,
        settings,
        closing: parts.closing,
        keyWatch: parts.keyWatch,
      });
      await api.register(sessionRoutes, { sessions });
      await api.register(keyRoutes, { keys });
      await api.register(budgetRoutes, { budgets: parts.budgets });
      await api.register(webhookRoutes, { webhooks: parts.webhooks });
      await api.register(agentRoutes, {
        agents,
        defaultModel: settings.openai.model,
        effectDefault: settings.toolEffectDefault,
      });
    },
    { prefix: '/api/v1' },
  );
  return app;
}

const corsOptions = (origins: string[]) => ({
  origin: origins.includes('*') ? '*' : origins,
  exposedHeaders: ['x-request-id', 'retry-after', 'ratelimit', 'ratelimit-policy', 'budget-warning', 'location'],
});

/** Metrics in Prometheus's text format. */
export type Metrics = { contentType: string; metrics(): Promise<string> };

/** A second server for probes and figures, on a port of its own: neither load nor limits of callers reach it. */
export async function buildProbeServer(
  health: Pick<Health, 'readiness'>,
  metrics: Metrics,
  log: Logger,
): Promise<FastifyInstance> {
  const app = fastify({ ...quietLogging(log), forceCloseConnections: true });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (payload) => JSON.stringify(payload));
  registerErrors(app as unknown as FastifyInstance);
  await app.register(healthRoutes, { health });
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.metrics();
    return reply
      .type(metrics.contentType)
      .serializer((payload: unknown) => payload as string)
      .send(text);
  });
  return app as unknown as FastifyInstance;
}
