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
import { type AgentRegistry, agentRoutes, type ModelChoices } from './agents/index.ts';
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
  type Arrivals,
  type EventFeed,
  type LoadSheddingOptions,
  type RunService,
  registerArrivals,
  registerLoadShedding,
  runRoutes,
} from './runs/index.ts';
import { type SessionService, sessionRoutes } from './sessions/index.ts';
import { type WebhookService, webhookRoutes } from './webhooks/index.ts';

/** JSON may encode a character of the message in up to six bytes; the rest of the body is small. */
const bodyBytesPerChar = 6;
const bodyBytesOther = 64 * 1024;
const headerBytesMax = 16 * 1024;
/**
 * The time limits for the arrival of the headers and of the whole of a request, so that slow clients do not occupy
 * sockets. They do not limit streamed answers. Node checks them every `checkMs`.
 */
const arrivalDefault = { headersMs: 20_000, requestMs: 30_000, checkMs: 5_000 };
/** Longer than the idle timeout of common load balancers (60 s), so that they end idle connections, and not this server. */
const keepAliveMs = 72_000;
const paramCharsMax = 300;

/** Dependencies of the API server. */
export type ServerParts = {
  settings: Settings;
  version: string;
  log: Logger;
  ids: Ids;
  agents: AgentRegistry;
  /** The models that requests may choose. */
  models: ModelChoices;
  runs: RunService;
  feed: EventFeed;
  sessions: SessionService;
  keys: KeyService;
  budgets: BudgetService;
  webhooks: WebhookService;
  health: Health;
  /** The requests that may still create a run. */
  arrivals: Arrivals;
  access: AccessControlOptions;
  keyWatch: KeyRevocationWatch;
  /** The limit of the event-loop delay above which new runs are refused. */
  loadShedding: LoadSheddingOptions;
  /** The time limits for the arrival of requests, in ms. Defaults to 20 s for the headers and 30 s for the whole request. */
  arrival?: { headersMs: number; requestMs: number; checkMs: number };
  /** Aborts when the open streams have to end. */
  closing: AbortSignal;
};

/** A request id of the caller is kept if it matches, so that logs can be correlated; any other value is not echoed. */
const requestIdPattern = /^[\w.:@/+=-]{1,128}$/;

/** The server logs only warnings and errors: each run writes one line to the log when it ends. */
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
    trustProxy: settings.trustProxy as boolean | string, // also a number of hops, which the types do not include
    bodyLimit: settings.inputCharsMax * bodyBytesPerChar + bodyBytesOther,
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

/** Answers a request that does not parse as HTTP, on the socket itself. */
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
 * Adds the headers that every answer has: the request id and, while draining, `connection: close`. Hooks that wait for
 * nothing use the callback instead of a promise, here and elsewhere, because every request runs them.
 */
function registerConnectionHeaders(app: FastifyInstance, health: Health): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // A compressed body may expand to any size, so it is refused.
    const { 'content-encoding': encoding = 'identity' } = request.headers;
    if (encoding.toLowerCase() === 'identity') done();
    else done(new ServiceError('unsupported_media_type', { contentType: 'a compressed body' }));
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (health.isDraining()) reply.header('connection', 'close');
    done();
  });
}

/** Each operation names its required scope, as a role of this scheme (OpenAPI 3.1, Security Requirement). */
const securityScheme = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'ask_…',
  description:
    'An API key. Its scopes say what it may do: run (create, cancel, decide, delete), read (list and get), admin (keys, budgets, imports of sessions).',
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
      const requiresKey = settings.authMode === 'api_key' && scope !== undefined;
      return { schema: { ...schema, security: requiresKey ? [{ apiKey: [scope] }] : [] }, url };
    },
    transformObject: (document) => completeDocument(jsonSchemaTransformObject(document) as Document) as never,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

/**
 * Builds the API's server from its parts, ready for `listen` or `inject`; it does not listen itself. The zod schemas of
 * the routes are the single source of validation, types and the OpenAPI document.
 */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { settings, agents, runs, sessions, keys, health } = parts;
  const app = fastify(serverOptions(parts)).withTypeProvider<ZodTypeProvider>() as unknown as FastifyInstance;
  app.setValidatorCompiler(validatorCompiler);
  // Answers are typed by the same schemas. The tests check that they conform; a check of every answer would cost time.
  app.setSerializerCompiler(() => (payload) => JSON.stringify(payload));
  app.removeContentTypeParser('text/plain'); // the API accepts JSON only
  registerErrors(app);
  registerConnectionHeaders(app, health);
  await registerSecurityHeaders(app);
  if (settings.corsOrigins.length > 0) await app.register(cors, corsOptions(settings.corsOrigins));
  await registerDocs(app, parts);
  await app.register(healthRoutes, { health });
  await app.register(
    async (api) => {
      registerLoadShedding(api, parts.loadShedding);
      registerArrivals(api, parts.arrivals);
      registerAccessControl(api, parts.access);
      await api.register(runRoutes, {
        runs,
        feed: parts.feed,
        settings,
        closing: parts.closing,
        keyWatch: parts.keyWatch,
      });
      await api.register(sessionRoutes, { sessions, settings });
      await api.register(keyRoutes, { keys });
      await api.register(budgetRoutes, { budgets: parts.budgets });
      await api.register(webhookRoutes, { webhooks: parts.webhooks });
      await api.register(agentRoutes, {
        agents,
        defaultModel: settings.openai.model,
        effectDefault: settings.toolEffectDefault,
        choices: parts.models,
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

/** Metrics in the text format of Prometheus. */
export type Metrics = { contentType: string; metrics(): Promise<string> };

/** Builds a second server for probes and metrics, on its own port, so that the load and limits of callers do not affect it. */
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
