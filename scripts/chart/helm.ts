import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type HelmMajor, helmProgram } from './downloads.ts';

/** The chart. */
export const chartFolder = join(import.meta.dirname, '../../deploy/helm/agent-service');

/** An object of Kubernetes, as a template renders it. */
export type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
};

/** How to render. */
export type RenderOptions = {
  /** Files beside the chart's values.yaml, by their names in the chart. */
  valuesFiles?: readonly string[];
  /** Values over those. */
  values?: Record<string, unknown>;
  /** Defaults to 4. */
  major?: HelmMajor;
  /** Defaults to agent-service. */
  release?: string;
  /** Defaults to agents. */
  namespace?: string;
};

/** What Helm said. */
export type HelmAnswer = { status: number; stdout: string; stderr: string };

/** Runs Helm with values on its standard input. */
export function helm(major: HelmMajor, args: readonly string[], values: Record<string, unknown> = {}): HelmAnswer {
  const { status, stdout, stderr, error } = spawnSync(helmProgram(major), [...args, '--values', '-'], {
    input: JSON.stringify(values),
    encoding: 'utf8',
    maxBuffer: 32 * 1024 * 1024,
  });
  if (error) throw error;
  return { status: status ?? 1, stdout, stderr };
}

/** `helm template` of the chart. */
export function template(options: RenderOptions = {}, ...more: string[]): HelmAnswer {
  const { valuesFiles = [], values, major = 4, release = 'agent-service', namespace = 'agents' } = options;
  const files = valuesFiles.flatMap((file) => ['--values', join(chartFolder, file)]);
  return helm(major, ['template', release, chartFolder, '--namespace', namespace, ...files, ...more], values);
}

/** The objects of a rendered text, in its order. */
export function objectsOf(rendered: string): KubernetesObject[] {
  return parseAllDocuments(rendered).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return (document.toJS() as KubernetesObject | null) ?? [];
  });
}

/**
 * The objects that the chart renders.
 *
 * @throws {Error} with what Helm said where it refuses
 */
export function render(options: RenderOptions = {}): KubernetesObject[] {
  const { status, stdout, stderr } = template(options);
  if (status !== 0) throw new Error(stderr);
  return objectsOf(stdout);
}
