import pg from 'pg';
import { describeHost, type PostgresHost, type PostgresUrl, parsePostgresUrl } from '../../platform/postgres-url.ts';
import { requireChannelBinding } from './channel-binding.ts';
import { clientConfig, hostMsOf } from './connection.ts';
import { reasonOf } from './errors.ts';
import { passwordFromFile } from './password.ts';
import { assertSocketFolder, withHost } from './socket.ts';
import { createTlsChoice, toTls } from './tls.ts';

/** How long a look at one of several hosts may take, in ms: then the next one is asked. */
const probeMs = 2_000;

const isChoice = ({ hosts, sessionAttributes }: PostgresUrl): boolean =>
  hosts.length > 1 || sessionAttributes !== 'any';

/** How long a look at a server may take, in ms. */
const lookMsOf = (url: PostgresUrl): number => (isChoice(url) ? probeMs : hostMsOf(url));

/** How long connecting may take, with the looks at all hosts, in ms. */
export function connectMsOf(text: string): number {
  const url = parsePostgresUrl(text);
  return hostMsOf(url) + (isChoice(url) ? url.hosts.length * 2 * probeMs : 0);
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

/** The hosts of a URL in the order in which they are tried for a new connection. `last` was taken before. */
function orderOf({ hosts, parameters }: PostgresUrl, last: PostgresHost | null): PostgresHost[] {
  if (parameters.get('load_balance_hosts') === 'random') {
    return hosts
      .map((host) => ({ host, rank: Math.random() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ host }) => host);
  }
  return [...(last === null ? [] : [last]), ...hosts.filter((host) => host !== last)];
}

/**
 * Chooses among the hosts of a URL as libpq does: the first that answers and is what was asked for. `look` resolves with
 * null for a host that is to be taken, else with the reason why not.
 */
function createHostChoice(url: PostgresUrl, look: (host: PostgresHost) => Promise<string | null>) {
  let last: PostgresHost | null = null;

  return async (): Promise<PostgresHost> => {
    if (!isChoice(url)) return url.hosts[0];
    const reasons: string[] = [];
    for (const host of orderOf(url, last)) {
      const reason = await look(host);
      if (reason === null) {
        last = host;
        return host;
      }
      reasons.push(`${describeHost(host)}: ${reason}`);
    }
    throw new Error(`no host can be used (${reasons.join('; ')})`);
  };
}

/** The parts of a client of `pg` that its types do not have as they are. */
type ClientParts = { ssl: unknown; password: unknown; connection: { ssl: unknown } };

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

/** Everything that is decided anew for each connection to the database of a URL. */
function createTarget(text: string) {
  const url = parsePostgresUrl(text);
  const tls = createTlsChoice(toTls(url.parameters), lookMsOf(url));
  const passfile = url.parameters.get('passfile') ?? null;

  /** Points a client that is not connected to a host. */
  const aim = async (client: pg.Client, host: PostgresHost): Promise<void> => {
    const at = withHost(host);
    assertSocketFolder(at);
    const parts = client as unknown as ClientParts;
    const ssl = await tls.optionsFor(at);
    Object.assign(client, at);
    parts.ssl = ssl;
    parts.connection.ssl = ssl;
    const query = { ...at, database: client.database ?? '', user: client.user ?? '' };
    if (url.password === null) parts.password = () => passwordFromFile(query, passfile);
    if (url.parameters.get('channel_binding') === 'require') requireChannelBinding(client);
  };

  const look = async (host: PostgresHost): Promise<string | null> => {
    const client = new pg.Client({ ...clientConfig(text), connectionTimeoutMillis: probeMs, query_timeout: probeMs });
    client.on('error', () => {}); // the query in flight rejects with it
    try {
      await aim(client, host);
      await client.connect();
      return await refusalOf(client, url.sessionAttributes);
    } catch (error) {
      tls.forget(withHost(host));
      if (isFinal(error)) throw error;
      return reasonOf(error);
    } finally {
      await client.end().catch(() => {});
    }
  };
  return { choose: createHostChoice(url, look), aim, forget: (host: PostgresHost) => tls.forget(withHost(host)) };
}

/**
 * A class of clients for the database of a URL. Each connects to the host that is to be used at that moment, encrypted as
 * that host can, with its password.
 */
export function clientClassOf(text: string): new (config: pg.ClientConfig) => pg.Client {
  const target = createTarget(text);

  return class extends pg.Client {
    async #connect(): Promise<pg.Client> {
      const host = await target.choose();
      await target.aim(this, host);
      try {
        return await super.connect();
      } catch (error) {
        target.forget(host); // it may have begun or ceased to encrypt
        throw error;
      }
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
  new (clientClassOf(url))({
    connectionTimeoutMillis: hostMsOf(parsePostgresUrl(url)),
    ...config,
    ...clientConfig(url),
  });
