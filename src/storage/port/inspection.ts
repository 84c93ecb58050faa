/** One reading of another clock. */
export type ClockSample = {
  /** How far that clock is ahead of this process's, in ms; negative: behind. */
  aheadMs: number;
  /** How wrong `aheadMs` may be: the half of the way there and back, and what the other clock rounds away. */
  uncertainMs: number;
};

/** Which version of the schema a store has, and which ones this version of the package knows. */
export type SchemaFacts = {
  /** Null where no schema is yet. */
  version: number | null;
  known: number;
  /** Whether it is newer, and does not say that this version works on it all the same. */
  tooNew: boolean;
};

/** Whether something stands between this process and Postgres, and whether clients share its connections. */
export type Pooling = 'none' | 'sessions' | 'transactions';

/** What was found of a Postgres database. Taken without changing anything. */
export type PostgresFacts = {
  /** As Postgres says it, such as `17.2`. */
  serverVersion: string;
  serverMajor: number;
  encrypted: boolean;
  /** A standby, or a session that may not write. */
  readOnly: boolean;
  /** Whether the user may make tables where the schema goes. */
  mayCreate: boolean;
  /** There and back, the middle one of several, in ms. */
  latencyMs: number;
  schema: SchemaFacts;
  clock: ClockSample;
  pooling: Pooling;
  /** That of `DATABASE_DIRECT_URL`. */
  directPooling: Pooling;
  connections: {
    /** Connections that are not kept for superusers and the like. */
    usable: number;
    /** Of the user, null where there is none. */
    roleLimit: number | null;
    /** Of the database, null where there is none. */
    databaseLimit: number | null;
    /** Open now, by others than this service. */
    others: number;
  };
};

/** What was found of the embedded store. Taken without changing anything but for a file that is removed again. */
export type EmbeddedFacts = {
  /** Whether the folder is there; if not, the rest is about the folder in which it would be made. */
  folder: boolean;
  /** Why the folder cannot be written; null if it can. */
  notWritable: string | null;
  /** The kind of a file system that lies on another machine, such as `NFS`; null for a local one. */
  remote: string | null;
  /** What making a small file durable takes, the middle one of several, in ms; null where nothing can be written. */
  syncMs: number | null;
  /** The process that executes runs on the store, or null. */
  owner: string | null;
  /** Null where there is no file yet, or where it cannot be read. */
  schema: SchemaFacts | null;
  /** Why the file cannot be read; null if it can, or is not there. */
  notReadable: string | null;
};
