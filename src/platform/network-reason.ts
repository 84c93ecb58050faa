/** A proxy that does not let a request through: undici has the proxy's status in the message alone. */
const isRefusedByProxy = ({ message }: Error): boolean => message.startsWith('Proxy response');

/** The reason of an error of `fetch`: the code of the network error, such as `ECONNREFUSED`, or `timeout`. */
export function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'timeout';
  const cause = error.cause instanceof Error ? error.cause : error;
  if (isRefusedByProxy(cause)) return `the proxy answers ${/\d{3}/.exec(cause.message)?.[0] ?? 'with a refusal'}`;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
