import { problemType } from './problem.ts';

type Content = Record<string, { schema?: unknown }>;
type Operation = { operationId?: string; responses?: Record<string, { content?: Content }> };

/** An OpenAPI document, as far as it is looked at here. */
export type Document = { paths?: Record<string, Record<string, Operation>> };

const json = 'application/json';

function rename(content: Content | undefined, type: string): void {
  if (!content?.[json]) return;
  content[type] = content[json];
  delete content[json];
}

/** The operations whose answers are streams of events. */
const streams: ReadonlySet<string | undefined> = new Set(['streamRun']);

/** The routes' schemas say what answers hold; this says in which media type: problems and streams are not plain JSON. */
export function withMediaTypes(document: Document): Document {
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    for (const [status, { content }] of Object.entries(operation.responses ?? {})) {
      if (/^[45]/.test(status)) rename(content, problemType);
      else if (streams.has(operation.operationId)) rename(content, 'text/event-stream');
    }
  }
  return document;
}
