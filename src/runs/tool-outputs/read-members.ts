/** What the SDK reads of a result, or of a result in a list, to see whether it is a text, a picture or a file. */
const kindMember = 'type';
const kinds: ReadonlySet<unknown> = new Set(['text', 'image', 'file']);

/** What the SDK reads besides of one that is, and of the picture or file in it. */
const partMembers = [
  'text',
  'providerData',
  'image',
  'imageUrl',
  'file',
  'fileId',
  'fileData',
  'fileUrl',
  'filename',
  'id',
  'url',
  'data',
  'detail',
  'mediaType',
  'mimeType',
];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** The type of a part as the SDK reads it; undefined if that throws. */
function kindOf(part: Record<string, unknown>): unknown {
  try {
    return part[kindMember];
  } catch {
    return undefined;
  }
}

/**
 * The members of the objects of a result that the SDK reads by name, whatever has them: fields, or accessors and
 * methods of a class. Reading others might do something, such as load them.
 */
export class MembersRead {
  readonly #names = new Map<object, readonly string[]>();

  constructor(result: unknown) {
    for (const part of Array.isArray(result) ? result : [result]) {
      if (isObject(part)) this.#names.set(part, kinds.has(kindOf(part)) ? [kindMember, ...partMembers] : [kindMember]);
    }
  }

  of(value: object): readonly string[] {
    return this.#names.get(value) ?? [];
  }

  /** Notes a member that was read: the SDK looks into the picture or file of a part. */
  follow(part: object, name: string, member: unknown): void {
    if (name !== 'image' && name !== 'file') return;
    if (isObject(member) && this.of(part).includes(name)) this.#names.set(member, partMembers);
  }
}
