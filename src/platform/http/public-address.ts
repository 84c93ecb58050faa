import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether requests may be sent to an IP address; a text that is not an IP address is refused. */
export type AddressRule = (address: string) => boolean;

// Azure's address for the metadata and agents of its machines, which is within a public range.
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
 * The rule that allows public addresses and the addresses in `networks`. All others are refused: loopback, private
 * networks, link-local addresses (the metadata of clouds), and any of these written as an IPv6 address.
 */
export function createAddressRule(networks: readonly string[]): AddressRule {
  const allowed = networks.map(networkOf);
  return (text) => {
    if (isIP(text) === 0) return false;
    const address = ipaddr.process(text); // an IPv4-mapped IPv6 address becomes the IPv4 address
    return isPublic(address) || allowed.some(([network, bits]) => isWithin(address, network, bits));
  };
}

const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, network: ipaddr.IPv4 | ipaddr.IPv6, bits: number): boolean =>
  address.kind() === network.kind() && address.match(network as never, bits);

/** The IP address in place of the host name of a URL, normalised by the URL parser; null if the URL has a host name. */
export function addressIn(url: URL): string | null {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) > 0 ? host : null;
}

/** The rules for a URL that a caller gives, and that somebody is to request. `charsMax`: its longest form. */
export type UrlRule = { allowHttp: boolean; isAllowed: AddressRule; charsMax: number };

/** What is wrong with a URL that a caller gives, as the end of a sentence whose subject is the field; null for a valid URL. */
export function urlMistake(text: string, { allowHttp, isAllowed, charsMax }: UrlRule): string | null {
  const url = URL.parse(text);
  const protocols = allowHttp ? ['https:', 'http:'] : ['https:'];
  if (url === null || !protocols.includes(url.protocol)) {
    return `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
  }
  if (url.href.length > charsMax) return `may have at most ${charsMax} characters`;
  if (url.username !== '' || url.password !== '') return 'may not hold a user name or a password';
  const address = addressIn(url);
  if (address !== null && !isAllowed(address)) return 'must not lead to an address that is not public';
  return null;
}
