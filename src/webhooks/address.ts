import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { webhookUrlCharsMax } from '../storage/port/index.ts';

/** Whether requests may be sent to an IP address; anything that is not one is refused. */
export type AddressRule = (address: string) => boolean;

// Azure's address for its machines' metadata and agents, which lies among public ones.
const metadataAddresses = ['168.63.129.16'];
// The addresses that are routed on the Internet (RFC 4291, section 2.4); ranges for other uses lie within.
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  if (address.kind() === 'ipv6') return (address as ipaddr.IPv6).match(globalUnicast);
  return !metadataAddresses.includes(address.toString());
}

/** A network such as `10.0.0.0/8`, or one address. */
function networkOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/**
 * The rule that allows public addresses and those in `networks`, and no others: not this machine, not private
 * networks, not link-local ones with the metadata of clouds, and none of these written as an IPv6 address.
 */
export function createAddressRule(networks: readonly string[]): AddressRule {
  const allowed = networks.map(networkOf);
  return (text) => {
    if (isIP(text) === 0) return false;
    const address = ipaddr.process(text); // what stands for an IPv4 address becomes that
    return isPublic(address) || allowed.some(([network, bits]) => isWithin(address, network, bits));
  };
}

const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, network: ipaddr.IPv4 | ipaddr.IPv6, bits: number): boolean =>
  address.kind() === network.kind() && address.match(network as never, bits);

/** The IP address that a URL names instead of a host, or null. The parser of URLs has put it into its usual form. */
export function addressIn(url: URL): string | null {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) > 0 ? host : null;
}

/** What a URL must be. */
export type UrlRule = { allowHttp: boolean; isAllowed: AddressRule };

/** What is wrong with the URL of a webhook, as the end of a sentence that begins with its name, or null. */
export function mistakeIn(text: string, { allowHttp, isAllowed }: UrlRule): string | null {
  const url = URL.parse(text);
  const protocols = allowHttp ? ['https:', 'http:'] : ['https:'];
  if (url === null || !protocols.includes(url.protocol)) {
    return `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
  }
  if (url.href.length > webhookUrlCharsMax) return `may have at most ${webhookUrlCharsMax} characters`;
  if (url.username !== '' || url.password !== '') return 'may not hold a user name or a password';
  const address = addressIn(url);
  if (address !== null && !isAllowed(address)) return 'must not lead to an address that is not public';
  return null;
}
