import { describe, expect, test } from 'vitest';
import { addressIn, createAddressRule, urlMistake } from './public-address.ts';

const strict = createAddressRule([]);
const rules = { allowHttp: false, isAllowed: strict, charsMax: 2_000 };

/** Hosts of URLs with an address that is not public, in every notation. */
const nonPublicHosts = [
  [
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0x7f.1',
    '127.0.0.1.',
    '127.255.255.254',
  ],
  ['0.0.0.0', '0', '00', '0x0', '0.1.2.3'],
  ['10.0.0.1', '10.255.255.255', '167772161', '012.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '3232235777'],
  ['169.254.169.254', '169.254.0.1', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376'],
  ['100.64.0.1', '100.100.100.200', '100.127.255.255', '168.63.129.16'],
  ['192.0.0.8', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[fe80::1]', '[fc00::1]', '[fd00:ec2::254]', '[fec0::1]', '[ff02::1]'],
  ['[::ffff:127.0.0.1]', '[::ffff:10.0.0.1]', '[::ffff:a9fe:a9fe]', '[0:0:0:0:0:ffff:c0a8:101]', '[::ffff:0:0]'],
  ['[::127.0.0.1]', '[::a00:1]', '[64:ff9b::a00:1]', '[64:ff9b:1::1]', '[2002:7f00:1::]', '[2001:db8::1]', '[2001::1]'],
].flat();

describe('an address', () => {
  test.each(['93.184.216.34', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450::1'])(
    '%s of the Internet is allowed',
    (address) => expect(strict(address)).toBe(true),
  );

  test.each(nonPublicHosts)('that is not public is refused in a URL as %s', (host) => {
    const url = new URL(`https://${host}/hook`);
    expect(addressIn(url)).not.toBeNull();
    expect(strict(addressIn(url) ?? '')).toBe(false);
    expect(urlMistake(url.href, rules)).toBe('must not lead to an address that is not public');
    expect(urlMistake(`https://${host}/hook`, rules)).toBe('must not lead to an address that is not public');
  });

  test('is allowed if it is in an allowed network of its own IP version', () => {
    const rule = createAddressRule(['10.1.0.0/16', '192.168.1.5', 'fd00::/8']);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.5', 'fd12::1']) expect(rule(address)).toBe(true);
    for (const address of ['10.2.0.1', '::ffff:10.2.0.1', '192.168.1.6', 'fe80::1', '::a01:203', '127.0.0.1'])
      expect(rule(address)).toBe(false);
    expect(rule('1.1.1.1')).toBe(true);
  });

  test('with the zone of an interface is checked without the zone', () => {
    expect(strict('fe80::1%eth0')).toBe(false);
  });

  test('is required: any other text is not allowed', () => {
    for (const text of ['', 'localhost', '1.2.3', '::g', '1.2.3.4.5', '10.0.0.0/8']) expect(strict(text)).toBe(false);
  });
});

describe('the URL of a webhook', () => {
  test.each([
    'https://example.com/hook',
    'https://example.com:8443/a?b=c#d',
    'https://1.1.1.1/',
    'https://bücher.example/',
  ])('may be %s', (url) => expect(urlMistake(url, rules)).toBeNull());

  test.each([
    'http://example.com',
    'file:///etc/passwd',
    'gopher://example.com/1',
    'javascript:alert(1)',
    'example.com',
    '',
    'https://',
  ])('may not be "%s"', (url) => expect(urlMistake(url, rules)).toBe('must be a URL that starts with https://'));

  test('may have http if the rules allow http', () => {
    expect(urlMistake('http://example.com', { ...rules, allowHttp: true })).toBeNull();
    expect(urlMistake('ftp://example.com', { ...rules, allowHttp: true })).toBe(
      'must be a URL that starts with https:// or http://',
    );
  });

  test('may not contain credentials', () => {
    for (const url of ['https://me@example.com/', 'https://me:secret@example.com/', 'https://:secret@example.com/'])
      expect(urlMistake(url, rules)).toBe('may not hold a user name or a password');
  });

  test('may not be longer than 2,000 characters as it is sent', () => {
    expect(urlMistake(`https://example.com/${'a'.repeat(1_980)}`, rules)).toBeNull();
    expect(urlMistake(`https://example.com/${'a'.repeat(1_981)}`, rules)).toBe('may have at most 2000 characters');
    expect(urlMistake(`https://example.com/${'é'.repeat(500)}`, rules)).toBe('may have at most 2000 characters');
  });
});
