import { expect, test } from 'vitest';
import { proxyFor } from './proxy.ts';

const proxies = { http: 'http://plain:3128', https: 'http://secure:3128' };

test.each([
  ['https://api.openai.com/v1', '', 'http://secure:3128'],
  ['http://vllm.models.svc:8000/v1', '', 'http://plain:3128'],
  ['http://vllm.models.svc:8000/v1', '.svc', undefined],
  ['http://vllm.models.svc:8000/v1', '*.svc', undefined],
  ['http://vllm.models.svc:8000/v1', 'models.svc', undefined],
  ['http://vllm.models.svc:8000/v1', 'SVC', undefined],
  ['http://vllm.models.svc:8000/v1', 'vllm.models.svc:8000', undefined],
  ['http://vllm.models.svc:8000/v1', 'vllm.models.svc:8001', 'http://plain:3128'],
  ['http://other-svc:8000/v1', 'svc', 'http://plain:3128'],
  ['http://127.0.0.1:11434/v1', 'localhost, 127.0.0.1', undefined],
  ['http://[::1]:11434/v1', '[::1]', undefined],
  ['https://api.openai.com/v1', 'localhost *', undefined],
  ['https://api.openai.com/v1', 'api.openai.com:443', undefined],
  ['https://api.openai.com/v1', 'api.openai.com:80', 'http://secure:3128'],
])('%s with NO_PROXY="%s" uses the proxy %s', (url, no, proxy) => {
  expect(proxyFor(url, { ...proxies, no })).toBe(proxy);
});

test('without a proxy for its protocol a server is reached directly', () => {
  expect(proxyFor('https://api.openai.com/v1', { http: 'http://plain:3128' })).toBeUndefined();
});
