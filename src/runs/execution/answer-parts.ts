import type { JsonRecord } from '../../storage/port/index.ts';
import type { RunFile } from '../views/schemas.ts';
import { citedFile, filesOf } from './answer-files.ts';
import { toRawItem } from './hosted-item.ts';
import type { OutputItem } from './model-answer.ts';

type Annotation = JsonRecord & { type?: string };
type TextPart = { type?: string; text?: string; providerData?: { annotations?: unknown } };
type Annotated = { text: string; annotations: Annotation[] };
type StepParts = { annotated: Annotated[]; files: RunFile[] };

/** An annotation as the Responses API has it; Chat Completions has its fields in an object of the type's name. */
function flat({ url_citation, ...rest }: Annotation): Annotation {
  return { ...rest, ...(url_citation as JsonRecord | undefined) };
}

function annotatedIn({ type, content }: OutputItem): Annotated[] {
  if (type !== 'message') return [];
  return (content as TextPart[]).flatMap(({ text = '', providerData }) => {
    const annotations = (providerData?.annotations ?? []) as Annotation[];
    return annotations.length === 0 ? [] : { text, annotations: annotations.map(flat) };
  });
}

/** Whether two entries name the same file of a container. */
const isSameFile = (one: RunFile, other: RunFile) =>
  one.file_id !== null && one.file_id === other.file_id && one.container_id === other.container_id;

/** What the answers of a run hold besides text: the annotations of texts, and files. Replayed answers count the same. */
export class AnswerParts {
  readonly #steps = new Map<number, StepParts>();

  /** Adds the answer of a step. `isOwn`: of the run itself, and not of an agent used as a tool. */
  add(runId: string, step: number, output: readonly OutputItem[], isOwn: boolean): void {
    const annotated = isOwn ? output.flatMap(annotatedIn) : [];
    const files = output.flatMap((item, index) =>
      item.type === 'hosted_tool_call' ? filesOf(toRawItem(item), { runId, step, index }) : [],
    );
    for (const { annotations } of annotated) {
      for (const one of annotations) if (one.type === 'container_file_citation') files.push(citedFile(step, one));
    }
    if (annotated.length > 0 || files.length > 0) this.#steps.set(step, { annotated, files });
  }

  /** The annotations of the run's final text; their positions are those in this text. */
  annotationsOf(response: string): JsonRecord[] {
    const annotated = this.#inOrder().flatMap((parts) => parts.annotated);
    return annotated.findLast(({ text }) => text === response)?.annotations ?? [];
  }

  /** The files of all answers, in the order of their steps, each once. */
  files(): RunFile[] {
    const all = this.#inOrder().flatMap((parts) => parts.files);
    return all.filter((file, index) => !all.slice(0, index).some((before) => isSameFile(before, file)));
  }

  #inOrder(): StepParts[] {
    return [...this.#steps].sort(([one], [other]) => one - other).map(([, parts]) => parts);
  }
}
