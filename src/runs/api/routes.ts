import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { EventFeed } from '../events/event-feed.ts';
import type { RunService } from '../service.ts';
import { type CreateRoutesOptions, createRoutes } from './create-routes.ts';
import { decisionRoutes } from './decision-routes.ts';
import { fileRoutes } from './file-routes.ts';
import { journalRoutes } from './journal-routes.ts';
import { readRoutes } from './read-routes.ts';
import { createRunStreams, type RunStreamsDeps } from './run-streams.ts';
import { streamRoutes } from './stream-routes.ts';

/** Options of the routes of runs. */
export type RunRoutesOptions = Pick<RunStreamsDeps, 'closing' | 'keyWatch'> & {
  runs: RunService;
  feed: EventFeed;
  settings: CreateRoutesOptions['settings'] & RunStreamsDeps['settings'];
};

/** Runs: create, read, follow and decide. */
export const runRoutes: FastifyPluginAsyncZod<RunRoutesOptions> = async (app, options) => {
  const { runs, feed, settings } = options;
  const streams = createRunStreams(options);
  await createRoutes(app, { runs, streams, settings });
  await readRoutes(app, { runs });
  await streamRoutes(app, { runs, feed, streams });
  await journalRoutes(app, { runs });
  await fileRoutes(app, { runs });
  await decisionRoutes(app, { runs });
};
