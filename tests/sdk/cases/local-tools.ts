import { Agent, applyPatchTool, computerTool, shellTool } from '@openai/agents';
import type { SdkCase, World } from '../case.ts';
import { call, say } from '../script.ts';
import { asTool, counted, countedShell, item, shellCall } from './pieces.ts';

const patch = (type: string, path: string) =>
  item({
    id: 'ap_#',
    type: 'apply_patch_call',
    status: 'completed',
    call_id: 'patch_#',
    operation: { type, path, ...(type === 'delete_file' ? {} : { diff: '@@\n+hi\n' }) },
  });

const countedEditor = ({ note }: World) => {
  const edit = async ({ type, path }: { type: string; path: string }) => {
    note(`${type} ${path}`);
    return { status: 'completed' as const, output: `${type} done` };
  };
  return { createFile: edit, updateFile: edit, deleteFile: edit };
};

const countedComputer = ({ note }: World) => {
  const act = (name: string) => async () => note(name);
  return {
    environment: 'browser' as const,
    dimensions: [100, 100] as [number, number],
    screenshot: async () => {
      note('screenshot');
      return 'iVBORw0KGgo=';
    },
    click: act('click'),
    doubleClick: act('doubleClick'),
    scroll: act('scroll'),
    type: act('type'),
    wait: act('wait'),
    move: act('move'),
    keypress: act('keypress'),
    drag: act('drag'),
  };
};

const note = 'Each call is a step. One that declares no `effect()` counts as `once`.';

/** Tools that act on the machine of the service. */
export const localToolCases: SdkCase[] = [
  {
    feature: 'Local shell, with an approval after it',
    status: 'works',
    note,
    agents: (world) => ({
      Ops: new Agent({
        name: 'Ops',
        instructions: 'Deploy.',
        tools: [shellTool({ shell: countedShell(world) }), counted(world, 'pay', { needsApproval: true })],
      }),
    }),
    script: [shellCall('deploy'), call('pay'), say('Deployed.')],
    apis: ['responses'],
  },
  {
    feature: 'Local shell that needs approval',
    status: 'works',
    note,
    agents: (world) => ({
      Ops: new Agent({
        name: 'Ops',
        instructions: 'Deploy.',
        tools: [shellTool({ shell: countedShell(world), needsApproval: true })],
      }),
    }),
    script: [shellCall('deploy'), shellCall('restart'), say('Deployed.')],
    apis: ['responses'],
  },
  {
    feature: 'Local shell of an agent used as a tool',
    status: 'works',
    note,
    agents: (world) => {
      const ops = new Agent({
        name: 'Ops',
        instructions: 'I am Ops.',
        tools: [shellTool({ shell: countedShell(world) })],
      });
      return { Outer: new Agent({ name: 'Outer', instructions: 'I am Outer.', tools: [asTool(ops)] }) };
    },
    script: {
      'I am Outer.': [call('ask_ops', { input: 'List.' }), say('Listed.')],
      'I am Ops.': [shellCall('ls'), say('Two files.')],
    },
    apis: ['responses'],
  },
  {
    feature: '`apply_patch`',
    status: 'works',
    note,
    agents: (world) => ({
      Coder: new Agent({
        name: 'Coder',
        instructions: 'Edit.',
        tools: [applyPatchTool({ editor: countedEditor(world) }), counted(world, 'pay', { needsApproval: true })],
      }),
    }),
    script: [
      patch('create_file', 'a.md'),
      patch('update_file', 'a.md'),
      call('pay'),
      patch('delete_file', 'a.md'),
      say('Edited.'),
    ],
    apis: ['responses'],
  },
  {
    feature: 'Computer use',
    status: 'works',
    note,
    agents: (world) => ({
      Clerk: new Agent({
        name: 'Clerk',
        instructions: 'Click.',
        model: 'computer-use-preview',
        tools: [computerTool({ computer: countedComputer(world) }), counted(world, 'pay', { needsApproval: true })],
      }),
    }),
    script: [
      item({
        id: 'cu_#',
        type: 'computer_call',
        status: 'completed',
        call_id: 'computer_#',
        pending_safety_checks: [],
        action: { type: 'click', x: 1, y: 2, button: 'left' },
      }),
      call('pay'),
      say('Clicked.'),
    ],
    apis: ['responses'],
  },
];
