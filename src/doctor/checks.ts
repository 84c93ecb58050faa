/** The description of a check of `agent-service doctor`, as the docs show it. */
export type CheckEntry = {
  /** What the check examines. */
  looksAt: string;
  /** When the check fails; absent if it never does. */
  fails?: string;
  /** When the check warns; absent if it never does. */
  warns?: string;
};

const entry = (value: CheckEntry): CheckEntry => value;

/** Every check, in the order of the report. `docs/doctor.md` is generated from this table. */
export const checkTable = {
  configuration: entry({
    looksAt: 'All settings in the environment and in `.env`, and in the other [files of settings](settings.md#files).',
    fails:
      'A setting has an invalid value, a required setting is missing, or one of these files has a mistake: then nothing else is checked.',
    warns:
      'The name of a variable of the environment is almost that of a setting; production runs without authentication; `AUTH_MODE` is `api_key` and there is no `ADMIN_API_KEY`; or `SHUTDOWN_GRACE` is shorter than `OPENAI_TIMEOUT`.',
  }),
  provider: entry({
    looksAt:
      '`GET` of `/models` below `OPENAI_BASE_URL`, the same request as that of `/readyz`: connection, key, latency.',
    fails: 'The provider cannot be reached, rejects the key, or answers with a server error (5xx).',
    warns: 'The provider has no such route, so that `/readyz` reports degraded, or it answers 429.',
  }),
  model: entry({
    looksAt: 'One call of `OPENAI_MODEL` that asks for one word, of about 30 tokens.',
    fails: 'The model does not exist for this key, the quota is used up, or the call is refused.',
    warns: 'The call took more than half of `OPENAI_TIMEOUT`, or was answered 429.',
  }),
  quota: entry({
    looksAt: 'The rate limit headers `x-ratelimit-*` of that call.',
    warns: 'A tenth or less of the current limit of requests or tokens remains.',
  }),
  store: entry({
    looksAt:
      'The Postgres of `DATABASE_URL`: connection, version, write access, latency. Or the directory of the embedded store: write access, local file system, integrity (`quick_check`), disk latency.',
    fails:
      'The store cannot be reached or written, Postgres is older than 14, or the database file of the embedded store cannot be read or is corrupt.',
    warns:
      'Postgres takes longer than 50 ms for an answer, the disk takes longer than 50 ms for a write, the directory is on a network file system, the file is too large to be checked before the timeout, or the store is of another environment than the settings.',
  }),
  schema: entry({
    looksAt: 'The schema version of the database, compared with that of this version of the package.',
    fails:
      'The schema is newer and does not declare that this version works with it, or it is older and the database user has no permission to change it.',
    warns: 'The schema is older: the next start migrates it.',
  }),
  pooler: entry({
    looksAt:
      'Whether there is a connection pooler between the service and Postgres, and whether it shares connections.',
    fails: '`DATABASE_DIRECT_URL`, or `DATABASE_URL` in its place, leads through a pooler that shares connections.',
    warns: 'It leads through a pooler that gives each client its own connection (session mode).',
  }),
  connections: entry({
    looksAt:
      '`--replicas` × (`DATABASE_POOL_MAX` + 1) compared with the connection limits of Postgres: `max_connections` without the reserved ones, the limits of the user and of the database.',
    fails: 'The connections exceed a limit.',
    warns: 'The connections exceed a limit together with those that other clients have open now.',
  }),
  clocks: entry({
    looksAt: "This machine's clock, compared with that of Postgres and with the `Date` header of the provider.",
    fails: 'The difference is five minutes or more: certificates and signatures would be rejected.',
    warns: 'The difference is more than two seconds.',
  }),
  disk: entry({
    looksAt: 'Free space and free inodes on the file system of `DATA_DIR`, for the embedded store.',
    fails: 'Less than 100 MiB is free, or no inode.',
    warns: 'Less than 1 GiB is free, or less than a twentieth of the inodes.',
  }),
  'service-health': entry({
    looksAt: 'With `--url`: `/healthz` of a running service.',
    fails: 'The service cannot be reached, or does not answer healthy.',
  }),
  'service-readiness': entry({
    looksAt: 'With `--url`: `/readyz`.',
    fails: 'The service is not ready.',
    warns: 'The service is degraded.',
  }),
  'service-run': entry({
    looksAt: 'With `--url` and `--run`: one run of the entry agent, with the key in `ADMIN_API_KEY`.',
    fails: 'The run is refused, or does not complete.',
    warns: 'A simulated model answered, or the run waits for an approval.',
  }),
} as const satisfies Record<string, CheckEntry>;

/** The name of a check. Names are public and do not change. */
export type CheckName = keyof typeof checkTable;
