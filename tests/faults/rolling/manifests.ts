import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const folder = join(import.meta.dirname, '../../../deploy/k8s');

const deployment = z.object({
  spec: z.object({
    replicas: z.number(),
    // What `deploy` does.
    strategy: z.object({ rollingUpdate: z.object({ maxSurge: z.literal(1), maxUnavailable: z.literal(0) }) }),
    template: z.object({
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.tuple([
          z.object({ lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }) }),
        ]),
      }),
    }),
  }),
});

/** The settings that have to do with the end of a pod. */
const settings = z.object({
  data: z.object({ PRESTOP_DELAY: z.string(), SHUTDOWN_GRACE: z.string(), OPENAI_TIMEOUT: z.string() }),
});

const read = (file: string): unknown => parse(readFileSync(join(folder, file), 'utf8'));

/** How many pods the manifests ask for that users apply, how they end, and their settings. */
export function readManifests() {
  const { replicas, template } = deployment.parse(read('deployment.yaml')).spec;
  const { terminationGracePeriodSeconds, containers } = template.spec;
  return {
    replicas,
    preStopMs: containers[0].lifecycle.preStop.sleep.seconds * 1000,
    gracePeriodMs: terminationGracePeriodSeconds * 1000,
    env: settings.parse(read('configmap.yaml')).data,
  };
}
