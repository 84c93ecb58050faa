/** One reading of another clock. */
export type ClockSample = {
  /** How far that clock is ahead of this process's, in ms; negative: behind. */
  aheadMs: number;
  /** The possible error of `aheadMs`: half of the round trip, and the rounding of the other clock. */
  uncertainMs: number;
};

/** The schema version of a store, and the newest one that this version of the package knows. */
export type SchemaFacts = {
  /** Null if there is no schema yet. */
  version: number | null;
  known: number;
  /** Whether it is newer, and this version does not work on it. */
  tooNew: boolean;
};

/** Whether a pooler is between this process and Postgres, and whether clients share its connections. */
export type Pooling = 'none' | 'sessions' | 'transactions';

/** Facts about a Postgres database, found without changing anything. */
export type PostgresFacts = {
  /** As Postgres reports it, such as `17.2`. */
  serverVersion: string;
  serverMajor: number;
  encrypted: boolean;
  /** A standby, or a session that may not write. */
  readOnly: boolean;
  /** Whether the user may create tables in the schema of the service. */
  mayCreate: boolean;
  /** The median round trip of several, in ms. */
  latencyMs: number;
  schema: SchemaFacts;
  /** The environment that the store is stamped with; null for none. */
  stamp: string | null;
  clock: ClockSample;
  pooling: Pooling;
  /** That of `DATABASE_DIRECT_URL`. */
  directPooling: Pooling;
  connections: {
    /** Connections that are not reserved, for instance for superusers. */
    usable: number;
    /** Of the user; null for none. */
    roleLimit: number | null;
    /** Of the database; null for none. */
    databaseLimit: number | null;
    /** Open now, by other clients than this service. */
    others: number;
  };
};

/** Facts about the embedded store, found without changing anything except for a file that is removed again. */
export type EmbeddedFacts = {
  /** Whether the folder exists; if not, the rest is about the folder in which it would be created. */
  folder: boolean;
  /** Why the folder cannot be written; null if it can. */
  notWritable: string | null;
  /** The kind of a file system that lies on another machine, such as `NFS`; null for a local one. */
  remote: string | null;
  /** The median time in which a small write becomes durable, of several, in ms; null if nothing can be written. */
  syncMs: number | null;
  /** The process that executes runs on the store, or null. */
  owner: string | null;
  /** Null if there is no file yet, or if it cannot be read. */
  schema: SchemaFacts | null;
  /** The environment that the store is stamped with; null for none. */
  stamp: string | null;
  /** Why the file cannot be read; null if it can, or does not exist. */
  notReadable: string | null;
};
