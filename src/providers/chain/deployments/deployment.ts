import { hash } from 'node:crypto';
import type { Model } from '@openai/agents';
import type { Service } from '../../../platform/lifecycle.ts';
import { isOfficial } from '../../../platform/openai-server.ts';
import { createModelClient } from '../../transport/index.ts';
import { type AttemptMonitor, createAttemptMonitor } from './attempt-monitor.ts';
import type { ProviderConfig } from './provider-options.ts';

/** A model at a provider, asked with one key. It fails, is limited and recovers independently of others. */
export type Deployment = {
  /** The provider's configured name. */
  provider: string;
  /** The model's name at the provider. */
  model: string;
  /** The same in every process with this configuration; it does not reveal the key. */
  id: string;
  /** The same for all deployments with this key. */
  keyId: string;
  /** Calls at the same time with its key, over all processes; null for no limit. */
  concurrency: number | null;
  /** Whether its server says when the token limit cut an answer. */
  statesLimit: boolean;
  /** The SDK's model, over a client that is monitored. */
  sdkModel: Model;
  /** See `createAttemptMonitor`. */
  observe: AttemptMonitor['observe'];
};

/** Enough of a digest to tell a few keys apart, and far too little to recover one. */
const digestChars = 12;

const digest = (...parts: (string | null)[]): string =>
  hash('sha256', JSON.stringify(parts), 'base64url').slice(0, digestChars);

/**
 * Whether a server says when the token limit cut an answer. Over Responses only OpenAI's own are trusted with it: llama.cpp
 * says of such an answer that it is completed.
 */
const statesLimitOf = ({ api, connection }: ProviderConfig): boolean =>
  api !== 'responses' || connection.azure !== undefined || isOfficial(connection.baseUrl);

/** The name of a model at a provider. */
export function modelNameAt({ models }: Pick<ProviderConfig, 'models'>, name: string): string {
  if (typeof models === 'string') return models;
  return Object.hasOwn(models, name) ? (models[name] ?? name) : name;
}

/** Whether a provider may answer for a model of this name. */
export const servesModel = ({ onlyModels }: Pick<ProviderConfig, 'onlyModels'>, name: string): boolean =>
  onlyModels === null || onlyModels.includes(name);

/** Whether a provider may answer this agent; null for an unknown agent. */
export const servesAgent = ({ agents }: Pick<ProviderConfig, 'agents'>, agent: string | null): boolean =>
  !agents || (agent !== null && agents.includes(agent));

/**
 * Makes the deployments of one provider, one for each of its models.
 *
 * @param timeoutMs the client's timeout for calls that belong to no attempt
 * @param onCreated called with each deployment that is made
 */
export function createDeployments(
  config: ProviderConfig,
  timeoutMs: number,
  onCreated: (deployment: Deployment) => void,
) {
  const { wrap, observe } = createAttemptMonitor();
  const { api, connection } = config;
  const client = createModelClient({ ...connection, api, timeouts: { totalTimeoutMs: timeoutMs } }, wrap);
  const keyId = `${config.name}.${digest(connection.baseUrl, connection.apiKey)}`;
  const deployments = new Map<string, Promise<Deployment>>();

  async function createDeployment(model: string): Promise<Deployment> {
    const { name, concurrency } = config;
    const sdkModel = await client.getModel(model);
    const deployment = {
      provider: name,
      model,
      id: `${keyId}.${digest(model)}`,
      keyId,
      concurrency,
      statesLimit: statesLimitOf(config),
      sdkModel,
      observe,
    };
    onCreated(deployment);
    return deployment;
  }

  return {
    config,

    /** Closes its connections at the end. */
    client: { name: `client of ${config.name}`, start: client.start, stop: client.stop } satisfies Service,

    /** The deployment for a model, by the name that agents use. */
    deploymentFor(name: string): Promise<Deployment> {
      const model = modelNameAt(config, name);
      const found = deployments.get(model) ?? createDeployment(model);
      deployments.set(model, found);
      return found;
    },
  };
}

/** See `createDeployments`. */
export type Deployments = ReturnType<typeof createDeployments>;
