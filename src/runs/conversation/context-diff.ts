import type { ContextChange, Json, JsonRecord } from '../../storage/port/index.ts';

type Path = ContextChange['path'];
/** A change within one context: without its scope. */
export type Change = Omit<ContextChange, 'scope'>;

const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sizeOf = (value: unknown): number => JSON.stringify(value).length;

function diffRecords(before: JsonRecord, after: JsonRecord, path: Path): Change[] {
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  const changed = Object.keys(after).flatMap((key) =>
    diffOf(Object.hasOwn(before, key) ? before[key] : undefined, after[key] as Json, [...path, key]),
  );
  return [...removed.map((key) => ({ path: [...path, key] })), ...changed];
}

function diffLists(before: readonly Json[], after: Json[], path: Path): Change[] {
  const changed = after.flatMap((value, index) => diffOf(before[index], value, [...path, index]));
  // From the end, so that no index moves before it is used.
  for (let index = before.length - 1; index >= after.length; index -= 1) changed.push({ path: [...path, index] });
  return changed.length > 1 && sizeOf(changed) > sizeOf(after) ? [{ path, value: after }] : changed;
}

/** The changes that turn `before` into `after`, in order. Both are JSON; `undefined` stands for a value that is not there. */
export function diffOf(before: Json | undefined, after: Json, path: Path = []): Change[] {
  if (isRecord(before) && isRecord(after)) return diffRecords(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(before, after, path);
  return before === after ? [] : [{ path, value: after }];
}

/** Sets an own property, `__proto__` too. */
function setOwn(target: object, key: string | number, value: unknown): void {
  if (Array.isArray(target)) target[key as number] = value;
  else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

function removeOwn(target: object, key: string | number): void {
  if (Array.isArray(target)) target.splice(key as number, 1);
  else delete (target as JsonRecord)[key];
}

/** Gives an object the entries of another one, and keeps its identity. */
function replaceEntries(target: object, value: Json | undefined): void {
  for (const key of Object.keys(target)) removeOwn(target, key);
  for (const [key, entry] of Object.entries(isRecord(value) ? value : {})) setOwn(target, key, entry);
}

/** What holds the value at `path`; null if it is not there. */
function parentOf(root: object, path: Path): object | null {
  let parent: unknown = root;
  for (const key of path.slice(0, -1)) {
    if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return null;
    parent = (parent as JsonRecord)[key];
  }
  return typeof parent === 'object' ? parent : null;
}

/** Applies one change to `root` in place. A change of what is not there any more has no effect. */
export function applyChange(root: object, { path, value }: Change): void {
  const copy = value === undefined ? undefined : structuredClone(value);
  const key = path.at(-1);
  const parent = key === undefined ? root : parentOf(root, path);
  if (key === undefined) replaceEntries(root, copy);
  else if (parent === null) return;
  else if (copy === undefined) removeOwn(parent, key);
  else setOwn(parent, key, copy);
}
