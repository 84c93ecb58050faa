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
    looksAt: 'The settings in the environment and in `.env`, all of them at once.',
    fails: 'A setting has a value that is not allowed, or one that is required is missing.',
    warns:
      'A variable is named almost like a setting, production asks for no key, or asks for one where there is none, or `SHUTDOWN_GRACE` is shorter than `OPENAI_TIMEOUT`.',
  }),
  provider: entry({
    looksAt: '`GET` of `/models` below `OPENAI_BASE_URL`, as `/readyz` asks it: reached, key accepted, latency.',
    fails: 'It cannot be reached, does not accept the key, or has trouble of its own.',
    warns: 'It has no such route, so that `/readyz` says degraded, or it has had too many requests.',
  }),
  model: entry({
    looksAt: 'One call of `OPENAI_MODEL` that asks for one word: about 30 tokens.',
    fails: 'The model is not there for this key, the quota is used up, or the call is refused.',
    warns: 'It took more than half of `OPENAI_TIMEOUT`, or there were too many requests.',
  }),
  quota: entry({
    looksAt: 'The headers `x-ratelimit-*` of that call.',
    warns: 'A tenth or less of the requests or tokens of the moment is left.',
  }),
  store: entry({
    looksAt:
      'Postgres of `DATABASE_URL`: reached, version, writable, latency. Or the folder of the embedded store: writable, local, not broken (`quick_check`), how long the disk takes.',
    fails:
      'It cannot be reached or written, is older than Postgres 14, or the file of the embedded store cannot be read or is broken.',
    warns:
      'An answer of Postgres takes longer than 50 ms, the disk takes longer than 50 ms for a write, the folder lies on another machine, or the file is too large to be checked within the time.',
  }),
  schema: entry({
    looksAt: 'The version of the schema, against the one that this version of the package brings.',
    fails: 'It is newer and does not say that this version works on it, or it is older and the user may not change it.',
    warns: 'It is older: the next start changes it.',
  }),
  pooler: entry({
    looksAt: 'Whether a pooler stands between the service and Postgres, and whether it shares connections.',
    fails: '`DATABASE_DIRECT_URL`, or `DATABASE_URL` in its place, leads through a pooler that shares connections.',
    warns: 'It leads through a pooler that gives each client a connection of its own.',
  }),
  connections: entry({
    looksAt:
      '`--replicas` × (`DATABASE_POOL_MAX` + 1) against what Postgres allows: `max_connections` without the reserved ones, the limits of the user and of the database.',
    fails: 'They do not fit.',
    warns: 'They fit only without the connections that others have open at the moment.',
  }),
  clocks: entry({
    looksAt: "This machine's clock against that of Postgres and against the header `Date` of the provider.",
    fails: 'They are five minutes apart or more: certificates and signatures are refused.',
    warns: 'They are more than two seconds apart.',
  }),
  disk: entry({
    looksAt: 'Free space and free files where `DATA_DIR` is, for the embedded store.',
    fails: 'Less than 100 MiB, or none of the files.',
    warns: 'Less than 1 GiB, or less than a twentieth of the files.',
  }),
  'service-health': entry({
    looksAt: 'With `--url`: `/healthz` of a running service.',
    fails: 'It cannot be reached, or says anything but healthy.',
  }),
  'service-readiness': entry({
    looksAt: 'With `--url`: `/readyz`.',
    fails: 'It is not ready.',
    warns: 'It is degraded.',
  }),
  'service-run': entry({
    looksAt: 'With `--url` and `--run`: one run of the entry agent, with the key in `ADMIN_API_KEY`.',
    fails: 'It is refused, or does not complete.',
    warns: 'A simulated model answered, or a person has to decide.',
  }),
} as const satisfies Record<string, CheckEntry>;

/** The name of a check. Names are public and do not change. */
export type CheckName = keyof typeof checkTable;
