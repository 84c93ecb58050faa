/** The APIs of the OpenAI protocol that a server may have. */
export type ServedApi = 'chat_completions' | 'responses';

/** Why a scenario ends on a server otherwise than it should: what the server, or the model that it serves, does not do. */
export type Limits = Partial<Record<string, string>>;

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
  /** Whether it is one of those that install from wheels or tarballs alone, without a compiler. */
  isQuick: boolean;
  /** The key that it accepts; others are refused. Undefined where it checks none. */
  apiKey?: string;
  /** What it does not do, by `<api>/<scenario>`. */
  limits?: Limits;
  /**
   * Installs the server below `folder`, once; later calls find it there.
   *
   * @throws {Error} if it cannot be installed here
   */
  install(folder: string): Promise<void>;
  /** Starts it on a free port of 127.0.0.1 and waits until it answers. */
  start(folder: string): Promise<RunningServer>;
};
