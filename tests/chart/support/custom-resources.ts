import { join } from 'node:path';
import ts from 'typescript';
import type { KubernetesObject } from '../../../scripts/chart/helm.ts';

const root = join(import.meta.dirname, '../../..');

/** Where the types of each custom resource that the chart renders stand, by group and version. */
const packages: Record<string, string> = {
  'external-secrets.io/v1': '@kubernetes-models/external-secrets',
  'gateway.networking.k8s.io/v1': '@kubernetes-models/gateway-api',
  'keda.sh/v1alpha1': '@kubernetes-models/keda',
  'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator',
};

/** Whether an object is one of a custom resource. */
export const isCustom = ({ apiVersion }: KubernetesObject): boolean => apiVersion in packages;

const moduleOf = ({ apiVersion, kind }: KubernetesObject) => `${packages[apiVersion]}/${apiVersion}/${kind}`;

/**
 * What the makers of the custom resources would not know in these objects. The compiler finds fields that are unknown,
 * missing, or of the wrong type at any depth, since each object stands as a literal in a program; all of them in one go.
 */
export function unknownFields(objects: readonly KubernetesObject[]): string[] {
  const text = objects
    .map((object, index) => {
      const type = `import('${moduleOf(object)}').I${object.kind}`;
      return `export const object${index}: ${type} = ${JSON.stringify(object, null, 1)};\n`;
    })
    .join('');
  const file = join(root, 'tests/chart/objects-of-a-test.ts');
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.getSourceFile = (name, version) =>
    name === file ? ts.createSourceFile(name, text, version, true) : getSourceFile(name, version);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map((found) => {
    const line = found.file?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0;
    const where = found.file?.text.split('\n')[line]?.trim() ?? '';
    return `${where}: ${ts.flattenDiagnosticMessageText(found.messageText, ' ')}`;
  });
}

/** What the checks that come with the types find beside that: values that are out of bounds. */
export async function invalidValues(objects: readonly KubernetesObject[]): Promise<string[]> {
  const found: string[] = [];
  for (const object of objects) {
    const models = (await import(moduleOf(object))) as Record<string, new (data: unknown) => { validate(): void }>;
    const Model = models[object.kind];
    if (Model === undefined) throw new Error(`${moduleOf(object)} has no ${object.kind}`);
    try {
      new Model(object).validate();
    } catch (error) {
      found.push(`${object.kind} ${object.metadata.name}: ${(error as Error).message}`);
    }
  }
  return found;
}
