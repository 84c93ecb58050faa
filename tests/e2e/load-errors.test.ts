import { describe, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { createProject, type Project } from '../support/project.ts';
import { runCli } from '../support/service.ts';

const word = "export const word: string = 'one';\n";
const mainFile = (imported: string, more = '') => `
import { Agent } from '@openai/agents';
import { serve } from 'agent-service';
import { word } from '${imported}';
${more}
await serve({ agents: { helper: new Agent({ name: word }) } });
`;
const installTsx = (project: Project) => project.write('node_modules/tsx/package.json', '{ "name": "tsx" }');
const offer = 'Or have tsx load it, which is installed: NODE_OPTIONS="--import tsx" npx agent-service dev';

const programs = [
  {
    what: 'a parameter property',
    main: mainFile('./word.ts', 'class Named { constructor(readonly name: string) {} }'),
    line: /^src\/main\.ts:5: TypeScript parameter property is not supported .* Use syntax that it can remove/,
  },
  {
    what: 'an enum',
    main: mainFile('./word.ts', 'enum Color { Red }'),
    line: /^src\/main\.ts:5: TypeScript enum is not supported .*, or compile the program first\./,
  },
  {
    what: 'an import without extension',
    main: mainFile('./word'),
    line: /^src\/main\.ts imports src\/word, but Node needs the name of the file, .* write "\.\/word\.ts"/,
  },
  {
    what: 'an import with the extension of the compiled file',
    main: mainFile('./word.js'),
    line: /^src\/main\.ts imports src\/word\.js, but .* write "\.\/word\.ts"/,
  },
  {
    what: 'an import of a folder',
    main: mainFile('./words'),
    line: /^src\/main\.ts imports src\/words, but .* write "\.\/words\/index\.ts"/,
  },
];

describe.each(programs)('a program with $what, which Node cannot load,', ({ main, line }) => {
  const files = { 'src/main.ts': main, 'src/word.ts': word, 'src/words/index.ts': word };

  test('ends `start` in one line that says so', async () => {
    await using project = createProject(files);
    installTsx(project);
    const { code, stdout, stderr } = await runCli(['start'], { ...project.env, APP_ENV: 'test' }, project.folder);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(line);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr).not.toContain('tsx');
  });

  test.each([
    { having: 'offers tsx if it is installed', offers: true },
    { having: 'does not speak of tsx otherwise', offers: false },
  ])('has `dev` say so, which $having', async ({ offers }) => {
    await using project = createProject(files);
    if (offers) installTsx(project);
    await using dev = startCommand(['dev'], { cwd: project.folder, env: project.env });
    const [said] = await dev.printed(new RegExp(`${line.source}.*`, 'm'));
    expect(said.endsWith(offer)).toBe(offers);
    project.save('src/main.ts', mainFile('./word.ts'));
    expect(await dev.printed(/accepts requests/)).toHaveLength(1);
  });
});

test.each([
  ["throw new TypeError('no luck');", /^src\/main\.ts cannot be loaded: TypeError: no luck \(src\/main\.ts:1\)\n$/],
  ["throw 'no luck';", /^src\/main\.ts cannot be loaded: no luck\n$/],
  [
    "Promise.reject(new Error('no luck')); await new Promise(() => {});",
    /^src\/main\.ts cannot be loaded: Error: no luck \(.*\)\n$/,
  ],
  [
    "export default await Promise.reject(new Error('no luck'));",
    /^src\/main\.ts cannot be loaded: Error: no luck \(.*\)\n$/,
  ],
  ['const a: = 5;', /^src\/main\.ts cannot be loaded: SyntaxError: .* \(src\/main\.ts:1\)\n$/],
  [
    "import 'not-installed';",
    /^src\/main\.ts imports the package not-installed, which is not installed: npm install not-installed\n$/,
  ],
  [
    "import { Agents } from '@openai/agents'; Agents;",
    /^src\/main\.ts cannot be loaded: SyntaxError: .* export named 'Agents' .*\n$/,
  ],
  ["import { serve } from 'agent-service'; await serve();", /^serve\(\) needs at least one agent: .*\n$/],
  [
    "import { Agent } from '@openai/agents'; import { serve } from 'agent-service';" +
      "await serve({ agents: { a: new Agent({ name: 'a' }) }, onStart: () => { throw new Error('no luck'); } });",
    /^The start failed: Error: no luck \(src\/main\.ts:1\)\n$/,
  ],
])('a program that cannot start ends in one line without a stack: %s', async (main, line) => {
  await using project = createProject({ 'src/main.ts': main });
  const { code, stderr } = await runCli(['start'], { ...project.env, APP_ENV: 'test' }, project.folder);
  expect(code).toBe(1);
  expect(stderr).toMatch(line);
});

test('a file that does not exist under any extension is named as Node names it', async () => {
  await using project = createProject({ 'src/main.ts': mainFile('./gone') });
  const { code, stderr } = await runCli(['start'], { ...project.env, APP_ENV: 'test' }, project.folder);
  expect(code).toBe(1);
  expect(stderr).toContain("Cannot find module '");
});
