import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type pg from 'pg';

type Wire = EventEmitter & { stream: Socket };

const plus = 'SCRAM-SHA-256-PLUS';

/**
 * Cuts a connection whose server does not prove by the channel that it is the one that knows the password
 * (`channel_binding=require`), before a password is sent. `pg` itself takes what the server offers.
 */
export function requireChannelBinding(client: pg.Client): void {
  const wire = client.connection as unknown as Wire;
  let isBound = false;
  const refuse = () =>
    wire.stream.destroy(new Error('channel_binding is required, and the server does not offer it on this connection'));
  wire.prependListener('authenticationSASL', ({ mechanisms }: { mechanisms: string[] }) => {
    isBound = mechanisms.includes(plus) && 'getPeerCertificate' in wire.stream;
    if (!isBound) refuse();
  });
  wire.prependListener('authenticationCleartextPassword', refuse);
  wire.prependListener('authenticationMD5Password', refuse);
  wire.prependListener('authenticationOk', () => isBound || refuse());
}
