import { chatAnswer, chatChunk, chatDone, chatUsageChunk } from '../support/model-answers.ts';
import type { Quirk } from './quirk.ts';

const texts = (deltas: Record<string, unknown>[], finishReason = 'stop'): string =>
  deltas.map((delta) => chatChunk(delta)).join('') + chatChunk({}, finishReason) + chatUsageChunk + chatDone;

/** What servers send over Chat Completions: the source of the tests and of the table in the documentation. */
export const chatQuirks: Quirk[] = [
  {
    name: 'a list of parts as the content',
    server: 'Mistral, reasoning models',
    sends: '`content` is a list of parts',
    result: 'the texts are joined; thinking becomes reasoning',
    streamed: texts([
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] },
      { content: [{ type: 'text', text: 'Hello' }] },
    ]),
    whole: chatAnswer({
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
        { type: 'text', text: 'Hello' },
      ],
    }),
    expected: { text: 'Hello', reasoning: 'hm' },
  },
];
