import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** What an entry of `NO_PROXY` stands for; without a port it stands for all ports. */
type Rule = { port: number | null } & (
  | { kind: 'all' }
  /** A name, and the names below it. */
  | { kind: 'name'; name: string; onlyBelow: boolean }
  | { kind: 'network'; network: Address; bits: number }
);

const hostName = /^(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
/** The first numbers of an address of version 4, such as `10.1.*`. */
const addressPattern = /^((?:\d{1,3}\.){1,3})\*$/;

const withoutDot = (name: string): string => name.replace(/\.$/, '');

/** The address in a text, brackets or not; one of version 4 that is written as version 6 as what it is. */
function toAddress(text: string): Address | null {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare);
  return isAddress ? ipaddr.process(bare) : null;
}

/** A network such as `10.0.0.0/8`, `fd00::/8`, `[fd00::]/8` or `10.1.*`, or an address, which is a network of one. */
function toNetwork(text: string): { network: Address; bits: number } | null {
  const [, first] = addressPattern.exec(text) ?? [];
  if (first !== undefined) {
    const count = first.split('.').length - 1;
    return toNetwork(
      `${first}${Array(4 - count)
        .fill('0')
        .join('.')}/${count * 8}`,
    );
  }
  const [address = '', bits, ...more] = text.split('/');
  const network = toAddress(address);
  if (network === null || more.length > 0) return null;
  const bitsMax = network.kind() === 'ipv4' ? 32 : 128;
  if (bits === undefined) return { network, bits: bitsMax };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax ? { network, bits: Number(bits) } : null;
}

function toRule(entry: string): Rule | null {
  const whole = toNetwork(entry); // before the port: an address of version 6 has colons of its own
  if (whole !== null) return { kind: 'network', port: null, ...whole };
  const [, host = '', digits] = /^(.+?)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = digits === undefined ? null : Number(digits);
  if (host === '*') return { kind: 'all', port };
  const network = toNetwork(host);
  if (network !== null) return { kind: 'network', port, ...network };
  const name = domainToASCII(withoutDot(host.replace(/^\*?\./, '')));
  const isNumbers = /^[\d.]+$/.test(name); // a broken address
  return hostName.test(name) && !isNumbers ? { kind: 'name', port, name, onlyBelow: host.startsWith('*') } : null;
}

/** The entries of `NO_PROXY`, which commas or blanks separate. Case does not matter. */
const entriesOf = (noProxy: string): string[] =>
  noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);

/** The entries that are neither the name of a host nor an address nor a network. */
export const findBrokenEntries = (noProxy: string): string[] =>
  entriesOf(noProxy).filter((entry) => toRule(entry) === null);

function matches(rule: Rule, host: string, port: number): boolean {
  if (rule.port !== null && rule.port !== port) return false;
  if (rule.kind === 'all') return true;
  const address = toAddress(host);
  if (rule.kind === 'network') {
    return address !== null && address.kind() === rule.network.kind() && address.match(rule.network, rule.bits);
  }
  return address === null && ((!rule.onlyBelow && host === rule.name) || host.endsWith(`.${rule.name}`));
}

/**
 * Whether a URL is called without a proxy, by the rules of `NO_PROXY` as curl and Go have them: `*` for all; a name stands
 * for itself and the names below it, `.name` too, `*.name` for those below it alone; addresses and networks are compared
 * as numbers. A port limits an entry to it. Names are not resolved.
 */
export function isExcluded(url: URL, noProxy: string): boolean {
  const host = withoutDot(url.hostname);
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  return entriesOf(noProxy).some((entry) => {
    const rule = toRule(entry);
    return rule !== null && matches(rule, host, port);
  });
}
