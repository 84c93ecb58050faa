import ts from 'typescript';
import { type Finding, isForTests, lineOf, type ProjectFile, type Rule, treeRule, walk } from './project.ts';

const isTestFile = (path: string) => /\.(test|contract)\.ts$/.test(path);
// The fake provider is slow on purpose, and says when something happened.
const mayKeepTime = (path: string) => path.startsWith('tests/support/fake-provider');
const keepsNoTime = (path: string) => isForTests(path) && !mayKeepTime(path);

/** The name that is called: `b` of `a.b()` and of `b()`. */
function calledName(node: ts.CallExpression): string {
  const { expression } = node;
  if (ts.isIdentifier(expression)) return expression.text;
  return ts.isPropertyAccessExpression(expression) ? expression.name.text : '';
}

const sleeping = new Set(['setTimeout', 'setInterval', 'sleep']);

/** Tests wait for signals: a sleep is too short on a slow machine and too long on all others. */
export const sleeps: Rule = treeRule('sleep', keepsNoTime, (tree, report) => {
  const advice = 'wait for a signal, or pass a clock that the test moves';
  walk(tree, (node) => {
    if (ts.isCallExpression(node) && sleeping.has(calledName(node))) report(node, `${calledName(node)}(): ${advice}`);
    if (ts.isPropertyAccessExpression(node) && node.getText(tree) === 'Atomics.wait') report(node, advice);
    if (ts.isStringLiteral(node) && /^(node:)?timers\/promises$/.test(node.text)) report(node, `timers: ${advice}`);
  });
});

const registry = 'tests/support/child-processes.ts';
const startingProcesses = new Set(['spawn', 'fork', 'exec', 'execFile']);

/** Tests start processes in one place, which ends those that a test leaves. Synchronous calls leave none. */
export const unregisteredProcesses: Rule = treeRule(
  'process',
  (path) => isForTests(path) && path !== registry,
  (tree, report) => {
    walk(tree, (node) => {
      if (!ts.isImportDeclaration(node) || !/^['"](node:)?child_process['"]$/.test(node.moduleSpecifier.getText(tree)))
        return;
      const named = node.importClause?.namedBindings;
      if (named === undefined || !ts.isNamedImports(named)) return;
      for (const { name, propertyName } of named.elements) {
        const imported = (propertyName ?? name).text;
        if (startingProcesses.has(imported))
          report(node, `${imported}: start processes by ${registry}, which ends what a test leaves`);
      }
    });
  },
);

const clocks = new Set(['performance.now', 'Date.now', 'process.hrtime', 'process.hrtime.bigint', 'process.uptime']);
const measured = /elapsed|duration|took|(total|running|queued|token)_?ms/i;
const atMost = new Set(['toBeLessThan', 'toBeLessThanOrEqual', 'toBeCloseTo']);

/** The subject of `expect(subject).….matcher()`, through `not` and `resolves`. */
function expectedOf(matcher: ts.CallExpression): string {
  let text = '';
  walk(matcher.expression, (node) => {
    if (ts.isCallExpression(node) && calledName(node) === 'expect') text = node.arguments[0]?.getText() ?? '';
  });
  return text;
}

/** Tests do not measure: how long something takes depends on who else uses the machine. */
export const timedAssertions: Rule = treeRule('timed', keepsNoTime, (tree, report) => {
  walk(tree, (node) => {
    if (ts.isPropertyAccessExpression(node) && clocks.has(node.getText(tree)) && !isPartOfLongerName(node)) {
      report(node, `${node.getText(tree)} in a test: pass a clock that the test moves, or a fixed time`);
    }
    if (ts.isCallExpression(node) && atMost.has(calledName(node)) && measured.test(expectedOf(node))) {
      report(node, 'an upper bound on a duration: assert the order of events instead; benchmarks measure');
    }
  });
});

const isPartOfLongerName = (node: ts.Node) =>
  ts.isPropertyAccessExpression(node.parent) && node.parent.name.text === 'bigint';

const testFunctions = new Set(['test', 'it', 'describe', 'suite']);

/** The names of a call such as `test.skip.each(rows)('title', …)`: `['test', 'skip', 'each']`; empty for other calls. */
function testCall(node: ts.Node): string[] {
  const names: string[] = [];
  let expression: ts.Expression | null = ts.isCallExpression(node) ? node.expression : null;
  while (expression !== null) {
    if (ts.isIdentifier(expression)) return testFunctions.has(expression.text) ? [expression.text, ...names] : [];
    if (ts.isPropertyAccessExpression(expression)) names.unshift(expression.name.text);
    const inner: ts.Expression | null =
      ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression) ? expression.expression : null;
    expression = ts.isTaggedTemplateExpression(expression) ? expression.tag : inner;
  }
  return [];
}

const hasComment = (file: ProjectFile, line: number) =>
  /\/\/ \S|\*\//.test(file.lines[line - 1] ?? '') || /^\s*(\/\/ \S|\*|\/\*)/.test(file.lines[line - 2] ?? '');

/** `.only` silences all other tests, and a skipped test says why. */
export const skippedTests: Rule = treeRule('skipped', isTestFile, (tree, report, file) => {
  walk(tree, (node) => {
    if (!ts.isPropertyAccessExpression(node) || !isOnTest(node)) return;
    const name = node.name.text;
    if (name === 'only') report(node.name, '.only leaves all other tests out: remove it');
    const isLeftOut = ['skip', 'skipIf', 'runIf', 'todo', 'fails'].includes(name);
    if (isLeftOut && !hasComment(file, lineOf(tree, node))) {
      report(node.name, `.${name} without a reason: say why in a comment above it`);
    }
  });
});

function isOnTest(node: ts.PropertyAccessExpression): boolean {
  let inner: ts.Expression = node.expression;
  while (ts.isPropertyAccessExpression(inner)) inner = inner.expression;
  return ts.isIdentifier(inner) && testFunctions.has(inner.text);
}

type TestCase = { title: string; node: ts.CallExpression; body: ts.Node | undefined };

/** The function that a test runs: not its title, options or timeout. */
const bodyOf = ({ arguments: given }: ts.CallExpression) =>
  given.slice(1).findLast((each) => !ts.isNumericLiteral(each) && !ts.isObjectLiteralExpression(each));

/** The tests of a file, each with its full name: the names of the groups around it, then its own. */
function testCases(tree: ts.SourceFile): TestCase[] {
  const cases: TestCase[] = [];
  const visit = (node: ts.Node, groups: string[]): void => {
    const [kind] = testCall(node);
    const title = ts.isCallExpression(node) ? node.arguments[0] : undefined;
    const named = title !== undefined && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title));
    if (kind === undefined || !ts.isCallExpression(node) || !named) {
      ts.forEachChild(node, (child) => visit(child, groups));
      return;
    }
    const path = [...groups, ts.isStringLiteralLike(title) ? title.text : title.getText(tree)];
    if (kind === 'test' || kind === 'it') cases.push({ title: path.join(' > '), node, body: bodyOf(node) });
    else ts.forEachChild(node, (child) => visit(child, path));
  };
  visit(tree, []);
  return cases;
}

/** A test's name is a promise, and a promise is made once. */
export const duplicateTestNames: Rule = ({ files }) => {
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const { tree, path } of files) {
    if (tree === null || !isTestFile(path)) continue;
    for (const { title, node } of testCases(tree)) {
      const line = lineOf(tree, node);
      const first = seen.get(title);
      if (first === undefined) seen.set(title, `${path}:${line}`);
      else
        findings.push({
          path,
          line,
          rule: 'duplicate-test',
          message: `"${title}" is also the name of ${first}: say what differs`,
        });
    }
  }
  return findings;
};

const asserting = /^(expect|assert|verify)/i;

/** The names that are called anywhere below a node. */
function callsIn(node: ts.Node): Set<string> {
  const names = new Set<string>();
  walk(node, (inner) => {
    if (ts.isCallExpression(inner)) names.add(calledName(inner));
  });
  return names;
}

/** Names of functions of this file that assert something, themselves or through one another. */
function assertingFunctions(tree: ts.SourceFile): Set<string> {
  const calls = new Map<string, Set<string>>();
  walk(tree, (node) => {
    if (ts.isFunctionDeclaration(node) && node.name) calls.set(node.name.text, callsIn(node));
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
      calls.set(node.name.text, callsIn(node.initializer));
    }
  });
  const found = new Set<string>();
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [name, called] of calls) {
      if ([...called].some((each) => asserting.test(each) || found.has(each))) found.add(name);
    }
  }
  return found;
}

/** A test that asserts nothing passes whatever happens. */
export const testsWithoutAssertion: Rule = treeRule('no-assertion', isTestFile, (tree, report) => {
  const helpers = assertingFunctions(tree);
  for (const { title, node, body } of testCases(tree)) {
    if (body === undefined) continue; // test.todo('name') has no body
    const names = ts.isIdentifier(body) ? new Set([body.text]) : callsIn(body);
    if (![...names].some((name) => asserting.test(name) || helpers.has(name))) {
      report(node, `"${title}" asserts nothing: expect what it promises`);
    }
  }
});
