import ts from 'typescript';
import { isForTests, isSource, type ProjectFile, type Rule, treeRule, walk } from './project.ts';

const isExported = (node: ts.Node) =>
  ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;

/** Whether a docstring stands directly above the node, without an empty line between. */
const isDocumented = (file: ProjectFile, node: ts.Node) =>
  ts.getLeadingCommentRanges(file.text, node.getFullStart())?.some(({ pos, end }) => {
    const isDocstring = /^\/\*\*\s*[^\s*/]/.test(file.text.slice(pos, end).replace(/\n\s*\*/g, '\n'));
    return isDocstring && !/\n\s*\n/.test(file.text.slice(end, node.getStart()));
  }) === true;

/** What a declaration declares, for a message; null for what needs no docstring. */
function declaredName(node: ts.Node): string | null {
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations.map(({ name }) => name.getText()).join(', ');
  const isDeclaration =
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node);
  return isDeclaration ? (node.name?.text ?? 'default') : null;
}

/** Every export of the source says what it is. Of overloads the first one does. */
export const undocumentedExports: Rule = treeRule('undocumented', isSource, (tree, report, file) => {
  const documented = new Set<string>();
  for (const node of tree.statements) {
    const name = declaredName(node);
    if (name === null || !isExported(node)) continue;
    const isOverload = ts.isFunctionDeclaration(node) && documented.has(name);
    if (isDocumented(file, node)) documented.add(name);
    else if (!isOverload) report(node, `export "${name}" has no docstring: put /** … */ directly above it`);
  }
});

const containers = new Set(['Map', 'Set', 'WeakMap', 'WeakSet']);

/** An empty container can only be there to be filled. */
function isEmptyContainer(node: ts.Expression | undefined): boolean {
  if (node === undefined) return false;
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0;
  return (
    ts.isNewExpression(node) &&
    ts.isIdentifier(node.expression) &&
    containers.has(node.expression.text) &&
    (node.arguments?.length ?? 0) === 0
  );
}

/** Modules of the source hold no state: a second service in the same process would share it. */
export const moduleState: Rule = treeRule('module-state', isSource, (tree, report) => {
  for (const node of tree.statements) {
    if (!ts.isVariableStatement(node)) continue;
    const isConst = (node.declarationList.flags & ts.NodeFlags.Const) !== 0;
    for (const { name, initializer } of node.declarationList.declarations) {
      if (isConst && !isEmptyContainer(initializer)) continue;
      report(node, `"${name.getText()}" is state of a module: move it into the function that makes the part`);
    }
  }
});

const mayReadEnvironment = (path: string) =>
  isForTests(path) || /^(src\/process\/|src\/cli\/|scripts\/|bench\/|bin\/)|\.config\.ts$/.test(path);

/** The environment is read once, by main, and passed on as settings. */
export const environment: Rule = treeRule(
  'environment',
  (path) => !mayReadEnvironment(path),
  (tree, report) => {
    const message = 'process.env is read by src/process and the commands only: take the setting as a parameter';
    walk(tree, (node) => {
      if (ts.isPropertyAccessExpression(node) && node.getText(tree) === 'process.env') report(node, message);
      if (ts.isBindingElement(node) && (node.propertyName ?? node.name).getText(tree) === 'env') {
        const source = node.parent.parent;
        if (ts.isVariableDeclaration(source) && source.initializer?.getText(tree) === 'process') report(node, message);
      }
      if (ts.isImportSpecifier(node) && (node.propertyName ?? node.name).text === 'env') {
        const from = node.parent.parent.parent.moduleSpecifier;
        if (ts.isStringLiteral(from) && /^(node:)?process$/.test(from.text)) report(node, message);
      }
    });
  },
);

/** The source logs, or writes to a stream it was given. */
export const consoleCalls: Rule = treeRule('console', isSource, (tree, report) => {
  walk(tree, (node) => {
    if (!ts.isPropertyAccessExpression(node) || node.expression.getText(tree) !== 'console') return;
    report(node, `${node.getText(tree)}: use the logger, or process.stdout in a command`);
  });
});

/** The most lines of a function outside of tests: it fits on a screen. */
const functionLinesMax = 60;

/** A function that does not fit on a screen holds a second noun. */
export const longFunctions: Rule = treeRule(
  'long-function',
  (path) => !isForTests(path),
  (tree, report) => {
    const lineOf = (position: number) => tree.getLineAndCharacterOfPosition(position).line;
    walk(tree, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
      const lines = lineOf(node.end) - lineOf(node.getStart(tree)) + 1;
      const message = `a function of ${lines} lines, ${functionLinesMax} at most: take the second noun out`;
      if (lines > functionLinesMax) report(node, message);
    });
  },
);
