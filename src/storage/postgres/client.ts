import pg from 'pg';
import { describeHost, type PostgresHost, type PostgresUrl, parsePostgresUrl } from '../../platform/postgres-url.ts';
import { clientConfig, connectMs } from './connection.ts';
import { reasonOf } from './errors.ts';

/** How long a look at one of several hosts may take, in ms: then the next one is asked. */
const probeMs = 2_000;

/** How long connecting may take, with the looks at all hosts, in ms. */
export function connectMsOf(url: string): number {
  const { hosts, sessionAttributes } = parsePostgresUrl(url);
  return hosts.length === 1 && sessionAttributes === 'any' ? connectMs : connectMs + hosts.length * probeMs;
}

/** Why a host is not taken although it answers; null if it is. */
async function refusalOf(client: pg.Client, attributes: PostgresUrl['sessionAttributes']): Promise<string | null> {
  if (attributes === 'any') return null;
  const { rows } = await client.query<{ standby: boolean; read_only: boolean }>(
    `select pg_is_in_recovery() as standby, current_setting('transaction_read_only')::bool as read_only`,
  );
  if (attributes === 'primary') return rows[0]?.standby ? 'it is a standby' : null;
  return rows[0]?.read_only ? 'it can only be read' : null;
}

/** Whether a server has refused for a reason that holds for the others too, such as a wrong password. */
const isFinal = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code !== '57P03'; // starting up

/** Looks at one host: resolves with null if it is to be taken, else with the reason why not. */
async function probe(config: pg.ClientConfig, host: PostgresHost, { sessionAttributes }: PostgresUrl) {
  const client = new pg.Client({
    ...config,
    ...addressOf(host),
    connectionTimeoutMillis: probeMs,
    query_timeout: probeMs,
  });
  client.on('error', () => {}); // the query in flight rejects with it
  try {
    await client.connect();
    return await refusalOf(client, sessionAttributes);
  } catch (error) {
    if (isFinal(error)) throw error;
    return reasonOf(error);
  } finally {
    await client.end().catch(() => {});
  }
}

const addressOf = ({ host, port }: PostgresHost) => ({ ...(host !== null && { host }), port });

/** Chooses among the hosts of a URL as libpq does: the first that answers and is what was asked for. */
function createHostChoice(text: string, url: PostgresUrl) {
  let last: PostgresHost | null = null;

  return async (config: pg.ClientConfig): Promise<PostgresHost> => {
    const order = [...(last === null ? [] : [last]), ...url.hosts.filter((host) => host !== last)];
    const reasons: string[] = [];
    for (const host of order) {
      // A pool hides the password from copies of its options.
      const reason = await probe({ ...config, ...clientConfig(text) }, host, url);
      if (reason === null) {
        last = host;
        return host;
      }
      reasons.push(`${describeHost(host)}: ${reason}`);
    }
    throw new Error(`no host can be used (${reasons.join('; ')})`);
  };
}

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

/** A class of clients that connect to the host of the URL that is to be used at that moment. */
export function clientClassOf(url: string): new (config: pg.ClientConfig) => pg.Client {
  const parsed = parsePostgresUrl(url);
  if (parsed.hosts.length === 1 && parsed.sessionAttributes === 'any') return pg.Client;
  const choose = createHostChoice(url, parsed);

  return class extends pg.Client {
    readonly #config: pg.ClientConfig;

    constructor(config: pg.ClientConfig) {
      super(config);
      this.#config = config;
    }

    async #connect(): Promise<pg.Client> {
      const { host, port } = await choose(this.#config);
      this.host = host ?? this.host;
      this.port = port;
      return super.connect();
    }

    override connect(): Promise<pg.Client>;
    override connect(done: Connected): void;
    override connect(done?: Connected): Promise<pg.Client> | undefined {
      if (done === undefined) return this.#connect();
      this.#connect().then(
        (client) => (done as (error: null, client: pg.Client) => void)(null, client),
        done as (error: Error) => void,
      );
      return undefined;
    }
  };
}

/** A client for the database of a URL; what the URL says counts more than `config`. */
export const newClient = (url: string, config: pg.ClientConfig): pg.Client =>
  new (clientClassOf(url))({ ...config, ...clientConfig(url) });
