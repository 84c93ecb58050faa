import type { FastifyInstance } from 'fastify';
import { StartError } from '../start-error.ts';

/** Further ports that are tried if the first one is taken. */
const furtherPortsMax = 20;
const portMax = 65_535;

/** The address of a server, and the settings that it comes from. */
export type ListenOptions = {
  app: FastifyInstance;
  host: string;
  port: number;
  /** The name of the setting for the port, for the error message. */
  setting: string;
  /** Whether to listen on the next free port if the port is taken, instead of a failure. */
  orNextFree: boolean;
};

/** The reasons for the error codes of the operating system. */
const reasons: Record<string, string> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'this process may not use the port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
};

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

function startError(error: unknown, { host, port, setting }: ListenOptions): unknown {
  const reason = reasons[codeOf(error)];
  if (reason === undefined) return error;
  const message = `Cannot listen on port ${port} of ${host}: ${reason}. Set ${setting} or HOST to another one.`;
  return new StartError(message, { cause: error });
}

/** Listens on the port, or with `orNextFree` on one of the 20 after it. @throws {StartError} if that fails */
export async function listen(options: ListenOptions): Promise<void> {
  const { app, host, port, orNextFree } = options;
  const last = orNextFree && port !== 0 ? Math.min(port + furtherPortsMax, portMax) : port;
  for (let candidate = port; ; candidate += 1) {
    try {
      await app.listen({ host, port: candidate });
      return;
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || candidate >= last) throw startError(error, options);
    }
  }
}
