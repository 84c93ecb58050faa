import type { Json } from '../../storage/port/index.ts';
import type { Codec } from './recorded-work.ts';

/** Records a value as JSON has it; one that JSON does not have counts as null. */
export const jsonCodec = <T>(): Codec<T> => ({
  record: (value) => {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? null : (JSON.parse(text) as Json);
  },
  recall: (output) => output as T,
});
