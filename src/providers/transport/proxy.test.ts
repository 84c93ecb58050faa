import { describe, expect, test } from 'vitest';
import { proxyFor } from './proxy.ts';

const proxies = { http: 'http://plain:3128', https: 'http://secure:3128' };

const proxyOf = (url: string, no: string) => {
  const proxy = proxyFor(url, { ...proxies, no });
  return proxy === undefined ? 'straight' : proxy === (url.startsWith('https') ? proxies.https : proxies.http);
};

const vllm = 'http://vllm.models.svc:8000/v1';

describe('a server is called straight', () => {
  test.each([
    ['a name below that of the entry', vllm, '.svc'],
    ['with a star', vllm, '*.svc'],
    ['without a dot', vllm, 'models.svc'],
    ['in another case', vllm, 'SVC'],
    ['by its own name with a dot before it', 'https://example.com/v1', '.example.com'],
    ['by its name and port', vllm, 'vllm.models.svc:8000'],
    ['by the port of its protocol', 'https://api.openai.com/v1', 'api.openai.com:443'],
    ['by its name with a dot at its end', vllm, 'vllm.models.svc.'],
    ['with a dot at the end of its own name', 'http://vllm.models.svc.:8000/v1', '.svc'],
    ['by a name in letters of another alphabet', 'https://xn--bcher-kva.example/v1', 'bücher.example'],
    ['by its address', 'http://127.0.0.1:11434/v1', 'localhost, 127.0.0.1'],
    ['by its address of version 6', 'http://[::1]:11434/v1', '::1'],
    ['by its address of version 6 in brackets', 'http://[::1]:11434/v1', '[::1]'],
    ['by its address of version 6 and port', 'http://[::1]:11434/v1', '[::1]:11434'],
    ['by its address of version 6, written otherwise', 'http://[fd00::1]:1/v1', 'FD00:0:0:0:0:0:0:1'],
    ['by its network', 'http://10.1.2.3:8000/v1', 'localhost,10.0.0.0/8'],
    ['by its network, whose address has more bits than it needs', 'http://10.1.2.3/v1', '10.9.9.9/8'],
    ['by the network of all addresses', 'http://10.1.2.3/v1', '0.0.0.0/0'],
    ['by a network of one address', 'http://10.1.2.3/v1', '10.1.2.3/32'],
    ['by its network of version 6', 'http://[fd00::1]:8000/v1', 'fd00::/8'],
    ['by its network of version 6 in brackets', 'http://[fd00::1]:8000/v1', '[fd00::]/8'],
    ['by its network, with its address written as version 6', 'http://[::ffff:10.1.2.3]/v1', '10.0.0.0/8'],
    ['by its network and port', 'http://10.1.2.3:8000/v1', '10.0.0.0/8:8000'],
    ['by the first numbers of its address', 'http://10.1.2.3/v1', '10.1.*'],
    ['by the star for all', 'https://api.openai.com/v1', 'localhost *'],
  ])('%s: %s with NO_PROXY=%s', (_, url, no) => {
    expect(proxyOf(url, no)).toBe('straight');
  });
});

describe('a server is called through the proxy of its protocol', () => {
  test.each([
    ['without NO_PROXY', 'https://api.openai.com/v1', ''],
    ['without NO_PROXY', vllm, ''],
    ['at another port', vllm, 'vllm.models.svc:8001'],
    ['at another port', 'https://api.openai.com/v1', 'api.openai.com:80'],
    ['with a name that only ends alike', 'http://other-svc:8000/v1', 'svc'],
    ['with a name that only ends alike', 'http://badexample.com/v1', 'example.com'],
    ['by its own name, where the entry is for those below it', 'https://example.com/v1', '*.example.com'],
    ['with a name that may lead to the address', 'http://localhost:1/v1', '127.0.0.0/8'],
    ['with an address that a name may lead to', 'http://127.0.0.1:1/v1', 'localhost'],
    ['outside the network', 'http://11.1.2.3/v1', '10.0.0.0/8'],
    ['outside the network of version 6', 'http://[fe80::1]/v1', 'fd00::/8'],
    ['in a network of the other version', 'http://[fd00::1]/v1', '0.0.0.0/0'],
    ['with an address that ends as the entry does', 'http://10.1.2.3/v1', '2.3'],
    ['outside the first numbers', 'http://10.11.2.3/v1', '10.1.*'],
  ])('%s: %s with NO_PROXY=%s', (_, url, no) => {
    expect(proxyOf(url, no)).toBe(true);
  });
});

test('without a proxy for its protocol a server is reached directly', () => {
  expect(proxyFor('https://api.openai.com/v1', { http: 'http://plain:3128' })).toBeUndefined();
});
