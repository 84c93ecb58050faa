import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A user's project in a folder of its own, with the built package installed. */
export type Project = {
  readonly folder: string;
  /** Writes a file in place. */
  write(path: string, content: string): void;
  /** Saves a file as many editors do: a new file takes the old one's name. */
  save(path: string, content: string): void;
  remove(path: string): void;
  /** What a service in this project needs to be alone on the machine. */
  readonly env: Record<string, string>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** How a project comes by its packages: those of this repository, or the SDK in a copy of its own. */
export type ProjectOptions = { ownSdk?: boolean };

/** Makes a project with these files; it is removed when the test ends. */
export function createProject(files: Record<string, string>, { ownSdk = false }: ProjectOptions = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-project-'));
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  for (const [path, content] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    write(path, content);
  }
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/agent-service'));
  const installed = (name: string) => [join(root, 'node_modules', name), join(folder, 'node_modules', name)] as const;
  if (ownSdk) cpSync(...installed('@openai'), { recursive: true });
  const all = () =>
    readdirSync(join(root, 'node_modules')).filter((name) => name !== '@openai' && !name.startsWith('.'));
  const others = ownSdk ? all() : ['@openai', 'zod'];
  for (const name of others) symlinkSync(...installed(name));
  return {
    folder,
    write,
    save(path, content) {
      write(`${path}.new`, content);
      renameSync(join(folder, `${path}.new`), join(folder, path));
    },
    remove: (path) => rmSync(join(folder, path)),
    env: { DATA_DIR: join(folder, 'data'), HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0' },
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
