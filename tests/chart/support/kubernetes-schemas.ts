import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { kubernetesSchemaFolder } from '../../../scripts/chart/downloads.ts';
import type { KubernetesObject } from '../../../scripts/chart/helm.ts';

/** Finds what a Kubernetes would not know, or not take, in an object; empty for an object that is as it should be. */
export type ObjectCheck = (object: KubernetesObject) => string[];

/** The file with the schema of an object: rbac.authorization.k8s.io/v1 is rbac-v1 there. */
const schemaFile = ({ apiVersion, kind }: KubernetesObject) =>
  `${kind}-${apiVersion.replace(/^([^./]*)[^/]*\//, '$1-')}.json`.toLowerCase();

/**
 * Checks objects of Kubernetes itself, unknown fields included, by the schemas of one minor version.
 *
 * @throws {Error} when the schemas are not here and cannot be fetched
 */
export function createKubernetesCheck(minor: string): ObjectCheck {
  const folder = kubernetesSchemaFolder(minor);
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as object;
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(read('_definitions.json'), '_definitions.json');
  const compiled = new Map<string, ValidateFunction>();
  const validatorOf = (file: string): ValidateFunction => {
    const known = compiled.get(file) ?? ajv.compile(read(file));
    compiled.set(file, known);
    return known;
  };
  return (object) => {
    const validate = validatorOf(schemaFile(object));
    validate(object);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${object.kind} ${object.metadata.name}${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  };
}
