import { hash } from 'node:crypto';
import type { Model } from '@openai/agents';
import type { Service } from '../../../platform/lifecycle.ts';
import { createModelClient } from '../../transport/index.ts';
import { createAttemptMonitor, type Watch } from './attempt-monitor.ts';
import type { ProviderConfig } from './provider-options.ts';

/** A model at a provider, asked with one key: what can fail, be limited and recover by itself. */
export type Deployment = {
  /** The provider's configured name. */
  provider: string;
  /** The model as the provider calls it. */
  model: string;
  /** The same in every process with this configuration; says nothing about the key. */
  id: string;
  /** The same for all deployments with this key. */
  keyId: string;
  /** Calls at the same time with its key, over all processes; null for any number. */
  concurrency: number | null;
  /** The SDK's model, over a client that is watched. */
  asked: Model;
  watch: Watch['watch'];
};

/** Enough of a digest to tell a handful of keys apart, and far too little to find one. */
const digestChars = 12;

const digest = (...parts: (string | null)[]): string =>
  hash('sha256', JSON.stringify(parts), 'base64url').slice(0, digestChars);

/** What a model is called at a provider. */
export function modelNameAt({ models }: Pick<ProviderConfig, 'models'>, name: string): string {
  if (typeof models === 'string') return models;
  return Object.hasOwn(models, name) ? (models[name] ?? name) : name;
}

/** Whether a provider may answer for a model of this name. */
export const servesModel = ({ onlyModels }: Pick<ProviderConfig, 'onlyModels'>, name: string): boolean =>
  onlyModels === null || onlyModels.includes(name);

/** Whether a provider may answer this agent; null for one that nobody knows. */
export const servesAgent = ({ agents }: Pick<ProviderConfig, 'agents'>, agent: string | null): boolean =>
  !agents || (agent !== null && agents.includes(agent));

/**
 * Makes the deployments of one provider, one for each of its models.
 *
 * @param timeoutMs what a client waits for at most where no attempt says so
 * @param made told of each
 */
export function createDeployments(config: ProviderConfig, timeoutMs: number, made: (deployment: Deployment) => void) {
  const { wrap, watch } = createAttemptMonitor();
  const { api, connection } = config;
  const client = createModelClient({ ...connection, api, timeouts: { totalTimeoutMs: timeoutMs } }, wrap);
  const keyId = `${config.name}.${digest(connection.baseUrl, connection.apiKey)}`;
  const known = new Map<string, Promise<Deployment>>();

  async function make(model: string): Promise<Deployment> {
    const { name, concurrency } = config;
    const asked = await client.getModel(model);
    const deployment = {
      provider: name,
      model,
      id: `${keyId}.${digest(model)}`,
      keyId,
      concurrency,
      asked,
      watch,
    };
    made(deployment);
    return deployment;
  }

  return {
    config,

    /** Closes its connections at the end. */
    client: { name: `client of ${config.name}`, start: client.start, stop: client.stop } satisfies Service,

    /** The deployment for a model, by the name that agents use. */
    deploymentFor(name: string): Promise<Deployment> {
      const model = modelNameAt(config, name);
      const found = known.get(model) ?? make(model);
      known.set(model, found);
      return found;
    },
  };
}

/** See `createDeployments`. */
export type Deployments = ReturnType<typeof createDeployments>;
