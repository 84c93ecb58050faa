const remedies: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there: check host and port, and that it runs.',
  ENOTFOUND: 'The name is not known: check the host, and the DNS of this machine.',
  EAI_AGAIN: 'The DNS of this machine does not answer.',
  ETIMEDOUT: 'Nothing answers: check the host, and what firewalls and network policies allow.',
  timeout: 'Nothing answers in time: check the host, and what firewalls and network policies allow.',
  ENOENT: 'There is no such socket or file: check host= and the files that the URL names.',
  ECONNRESET: 'The connection was cut: check the port, and whether TLS is expected (https, sslmode).',
  EHOSTUNREACH: 'There is no way there: check the host, and the network of this machine.',
  ENETUNREACH: 'There is no way there: check the network of this machine.',
};

/** What to do about a network error, by its code. */
export function networkRemedy(reason: string): string {
  if (/CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO/.test(reason)) {
    return 'The certificate is not trusted: check host and clock, or name your own authority by NODE_EXTRA_CA_CERTS.';
  }
  return remedies[reason] ?? 'Check host and port, and what firewalls and network policies allow.';
}
