import type { Tell } from './install.ts';

/** The APIs of the OpenAI protocol that a server may have. */
export type ServedApi = 'chat_completions' | 'responses';

/** Why scenarios end on a server otherwise than they should: what the server, or the model that it serves, does not do. */
export type Limits = Partial<Record<`${ServedApi}/${string}`, string>>;

/** A model server while it runs. */
export type RunningServer = {
  /** Such as `http://127.0.0.1:8080/v1`. */
  baseUrl: string;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A model server that others wrote: how it is installed and started. */
export type ServerDefinition = {
  /** Names it on the command line and in the folder of its captures. */
  name: string;
  /** The pinned version of the package. */
  version: string;
  /** What a reader of the table needs to know: the program, and the package that it comes from. */
  title: string;
  apis: readonly ServedApi[];
  /** Whether it installs from wheels alone, without a compiler. Then CI tries it. */
  isQuick: boolean;
  /** The key that it accepts; others are refused. Undefined where it checks none. */
  apiKey?: string;
  /** What it does not do, by `<api>/<scenario>`. */
  limits?: Limits;
  /**
   * Installs the server and its model below `folder`, once; later calls find them there.
   *
   * @throws {NotFetchedError} if a registry does not give a package
   * @throws {Error} if it cannot be installed here otherwise
   */
  install(folder: string, tell: Tell): Promise<void>;
  /** Starts it on a free port of 127.0.0.1 and waits until it answers. */
  start(folder: string): Promise<RunningServer>;
};
