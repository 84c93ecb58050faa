import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { settingsTable } from '../../src/platform/settings/settings-table.ts';

/** A JSON schema. */
type Schema = Record<string, unknown>;

/** A value of the chart: what it is called, what it is by default, what it does, and what it may be. */
type Value = {
  /** Such as `image.tag`. */
  path: string;
  about: string;
  default: unknown;
  /** What the comment says about its type, beyond what the default does. */
  annotation: Schema;
  /** Values below it that have comments of their own; null for what is one value to us, whatever it holds. */
  children: Value[] | null;
};

/** Settings that the chart decides on: a pod has one process, on known ports, with one volume. */
export const ownSettings = ['HOST', 'PORT', 'METRICS_PORT', 'DATA_DIR', 'PROCESS_ROLE', 'WEB_CONCURRENCY'];

const marker = '@schema ';

/** The sentences of a comment, and the schema in it. */
function readComment(path: string, comment: string): Pick<Value, 'about' | 'annotation'> {
  // A comment that stands apart, by an empty line, is about more than the key below it.
  const lines = (comment.split('\n\n').at(-1) ?? '').split('\n').map((line) => line.trim());
  const about = lines.filter((line) => !line.startsWith(marker)).join(' ');
  const annotations = lines.filter((line) => line.startsWith(marker)).map((line) => line.slice(marker.length));
  try {
    return { about, annotation: Object.assign({}, ...annotations.map((line) => JSON.parse(line) as Schema)) };
  } catch (error) {
    throw new Error(`values.yaml, ${path}: its @schema is no JSON`, { cause: error });
  }
}

/** Whether a map is one value: what may be in it is the user's to say, or Kubernetes's. */
const isOpen = (map: YAMLMap, annotation: Schema) =>
  map.items.length === 0 || annotation.additionalProperties !== undefined;

/**
 * The values of a values file with their comments.
 *
 * @throws {Error} when one has no comment
 */
function readValues(map: YAMLMap, prefix = ''): Value[] {
  return map.items.map((pair, index) => {
    const key = pair.key as { value: string; commentBefore?: string };
    const path = `${prefix}${key.value}`;
    // The parser takes the comment above the first key for one of the whole map.
    const comment = key.commentBefore ?? (index === 0 ? map.commentBefore : undefined) ?? '';
    const { about, annotation } = readComment(path, comment);
    const node = pair.value;
    const children = isMap(node) && !isOpen(node, annotation) ? readValues(node, `${path}.`) : null;
    if (children === null && about === '') throw new Error(`values.yaml, ${path}: no comment says what it does`);
    const value = isScalar(node) ? node.value : (node as YAMLMap).toJSON();
    return { path, about, annotation, default: value, children };
  });
}

/** The values of the chart at that path. */
export function chartValues(folder: string): Value[] {
  const document = parseDocument(readFileSync(join(folder, 'values.yaml'), 'utf8'));
  if (!isMap(document.contents)) throw new Error('values.yaml holds no values');
  return readValues(document.contents);
}

const settings = Object.entries(settingsTable);
const isSecret = (entry: (typeof settings)[number][1]) => 'secret' in entry;

/** What `config` may hold beside what stands in the values file: every setting that is neither secret nor ours. */
const settingSchemas = (): Schema =>
  Object.fromEntries(
    settings
      .filter(([name, entry]) => !isSecret(entry) && !ownSettings.includes(name))
      .map(([name, { about }]) => [name, { type: ['string', 'number', 'boolean'], description: about }]),
  );

/** What a Secret that the chart makes may hold. */
const secretSchemas = (): Schema =>
  Object.fromEntries(
    settings
      .filter(([, entry]) => isSecret(entry))
      .map(([name, { about }]) => [name, { type: 'string', description: about }]),
  );

/** Matches what becomes `name` by one mistake: a letter left out, added or replaced, or two neighbours swapped. */
function almostPattern(name: string): string {
  const [letter, next] = name;
  if (letter === undefined) return '.';
  const after = name.slice(1);
  const swapped = next === undefined || next === letter ? '' : `|${next}${letter}${name.slice(2)}`;
  return `(${letter}${almostPattern(after)}|[^${letter}]?${after}|.${name}${swapped})`;
}

/** Settings with shorter names are too similar to other names. */
const almostCharsMin = 7;

function placeOf(name: string): string {
  if (ownSettings.includes(name)) return ', which the chart sets';
  const isSecretName = settings.some(([other, entry]) => other === name && isSecret(entry));
  return isSecretName ? ', which belongs to the Secret' : '';
}

/**
 * Refuses names that are almost those of settings, and says which one is meant: Helm shows the constant that the value
 * would have to be. `additionalProperties` refuses them too, but says no more than that.
 */
function almostSettings(): Schema {
  const names = settings.map(([name]) => name);
  const meant = names
    .filter((name) => name.length >= almostCharsMin)
    .map((name) => [`^${almostPattern(name)}$`, { const: `no setting: ${name} is meant${placeOf(name)}` }] as const)
    .filter(([pattern]) => !names.some((name) => new RegExp(pattern).test(name)));
  return { patternProperties: Object.fromEntries(meant) };
}

/** Beside the properties, so that `additionalProperties` refuses these names as before. */
const refusesAlmostSettings: Schema = { allOf: [{ $ref: '#/definitions/almostSettings' }] };

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

const strictObject = (properties: Schema): Schema => ({ type: 'object', properties, additionalProperties: false });

function schemaOf({ path, about, annotation, default: value, children }: Value): Schema {
  const { settings: hasSettings, secrets: hasSecrets, ...given } = annotation;
  const described = about === '' ? {} : { description: about };
  if (hasSecrets) return { ...described, ...strictObject(secretSchemas()), ...refusesAlmostSettings };
  if (children !== null) {
    const schema = strictObject({ ...(hasSettings ? settingSchemas() : {}), ...propertiesOf(children) });
    return {
      ...described,
      ...schema,
      required: requiredOf(children),
      ...(hasSettings ? refusesAlmostSettings : {}),
    };
  }
  // An enumeration says it all; Helm 3 wants to be told of a type all the same.
  const schema = { ...described, type: typeOf(value), ...given };
  if (schema.type === 'object' && !('additionalProperties' in schema)) {
    throw new Error(`values.yaml, ${path}: its @schema has to say what may be in it`);
  }
  if (schema.type === 'array' && !('items' in schema)) {
    throw new Error(`values.yaml, ${path}: its @schema has to say what its items are`);
  }
  return schema;
}

const keyOf = (path: string) => path.split('.').at(-1) ?? '';

const propertiesOf = (values: Value[]): Schema =>
  Object.fromEntries(values.map((value) => [keyOf(value.path), schemaOf(value)]));

/** The keys that templates count on. One that is set to null is removed, and its default with it. */
const requiredOf = (values: Value[]): string[] =>
  values.filter(({ annotation }) => ![annotation.type].flat().includes('null')).map(({ path }) => keyOf(path));

/** `values.schema.json`: refuses a key that no template knows, at every level that is the chart's own. */
export function valuesSchema(values: Value[]): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment:
      'Generated by `npm run generate` from values.yaml and src/platform/settings/settings.ts; edit those instead.',
    title: 'Values of the agent-service chart',
    ...strictObject({
      ...propertiesOf(values),
      global: { type: 'object', description: 'Values that a parent chart passes to all of its subcharts.' },
    }),
    required: requiredOf(values),
    definitions: { almostSettings: almostSettings() },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;');

/** A default as a cell of a table. */
function defaultCell(value: unknown): string {
  if (value === '') return '';
  return `\`${typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)}\``;
}

function rowsOf(values: Value[]): string[] {
  return values.flatMap(({ path, about, default: value, children }) => {
    const row = (text: string) => `| \`${path}\` | ${text} | ${cell(about)} |`;
    if (children === null) return [row(defaultCell(value))];
    return [...(about === '' ? [] : [row('')]), ...rowsOf(children)];
  });
}

/** The table of values, for the chart's README. */
export const valuesTable = (values: Value[]): string =>
  ['| Value | Default | Meaning |', '|---|---|---|', ...rowsOf(values)].join('\n');
