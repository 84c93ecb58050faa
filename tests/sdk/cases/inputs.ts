import { Agent } from '@openai/agents';
import type { SdkCase } from '../case.ts';
import { say } from '../script.ts';

const seer = () => ({ Seer: new Agent({ name: 'Seer', instructions: 'Look.' }) });
const picture = 'data:image/png;base64,iVBORw0KGgo=';

/** What the user says, beyond text. */
export const inputCases: SdkCase[] = [
  {
    feature: 'Pictures in a message',
    status: 'how',
    note: '`message` takes the content parts of the Responses API. URLs go to OpenAI only; files by id need `input: { fileIds: true }`.',
    agents: seer,
    messages: [
      {
        body: {
          message: [
            { type: 'input_text', text: 'What is it?' },
            { type: 'input_image', image_url: picture },
          ],
        },
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'What is it?' },
              { type: 'input_image', image: picture },
            ],
          },
        ],
      },
    ],
    script: [say('A dot.')],
  },
  {
    feature: 'Files in a message',
    status: 'how',
    note: '`message` takes the content parts of the Responses API.',
    agents: seer,
    messages: [
      {
        body: {
          message: [
            { type: 'input_text', text: 'Read it.' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
          ],
        },
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'Read it.' },
              { type: 'input_file', file: 'data:application/pdf;base64,JVBERi0=', filename: 'a.pdf' },
            ],
          },
        ],
      },
    ],
    script: [say('Empty.')],
  },
  {
    feature: 'A list of messages as the input of a run',
    status: 'how',
    note: '`input` in the place of `message`; `system` and `developer` need `serve({ input: { roles } })`.',
    agents: seer,
    messages: [
      {
        body: {
          input: [
            { role: 'user', content: 'My name is Ada.' },
            { role: 'assistant', content: 'Hello Ada.' },
            { role: 'user', content: 'Who am I?' },
          ],
        },
        input: [
          { role: 'user', content: 'My name is Ada.' },
          { role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hello Ada.' }] },
          { role: 'user', content: 'Who am I?' },
        ],
      },
    ],
    script: [say('Ada.')],
  },
];
